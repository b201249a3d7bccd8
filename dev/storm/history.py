"""What happened before a violation, as Entra, Graph, the table and the apps have noted it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from dev.storm.ground import Ground, Host, Person

_ACCESS = re.compile(r'\[([^\]]+)\] "([A-Z]+ [^"]*?)(?: HTTP/1\.1)?" (\d+)')
_MOST = 200  # lines of each source


def stamp(seconds: float) -> str:
    """The time of day in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S.%f")[:-3]


def of(ground: Ground, person: Person, hosts: Iterable[Host], since: int) -> list[str]:
    """What Entra and Graph were asked, what the table was told since so many bytes of its log, what the apps logged."""
    calls = ground.asked(calls=True)
    upstream = [
        f"{stamp(call['time'])} {call['what']} with token {call['number']} of {call['person']}"
        for call in calls
        if call["person"] == person.object_id
    ]
    logged = [line for host in hosts for line in host.running.log.splitlines()[1:][-5:] if line]
    return [*upstream[-_MOST:], *table_changes(ground, since, person.place.partition("/")[2])[-_MOST:], *logged]


def log_size(ground: Ground) -> int:
    """How far the table's log has come, in bytes."""
    return ground.azurite.child.log.stat().st_size


def table_changes(ground: Ground, since: int, key: str) -> list[str]:
    """What the table was told to change about one row, and what it answered."""
    with ground.azurite.child.log.open("rb") as log:
        log.seek(since)
        text = log.read().decode("utf-8", "replace")
    return [
        f"table {when}: {what} -> {status}"
        for when, what, status in _ACCESS.findall(text)
        if key in what and not what.startswith("GET")
    ]
