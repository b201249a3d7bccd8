"""`dev sessions`: what an administrator may see and end of one person's sessions.

It reads the plain columns of the real table alone. So it needs SESSION_STORE and no key, and can show no token.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dev.host.settings import LocalSettingsInvalid, merged
from dev.launcher import start
from dev.launcher.terminal import Progress, Stop
from shared import errors, settings
from shared.azure_tables import AzureTables, TableMissing
from shared.clock import Deadline, SystemClock, iso
from shared.keyring import Keyring
from shared.outbound import Outbound
from shared.session_index import SessionIndex
from shared.settings import TableAddress
from shared.token_store import SECONDS, Row, TokenStore

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_USER = re.compile(rf"({_GUID})/({_GUID})", re.IGNORECASE)
_OFTEN = 100  # sessions between two lines of progress


@dataclass(frozen=True)
class Shown:
    """One session as it is printed; times in RFC 3339."""

    number: str
    created: str
    last_seen: str
    expires: str
    state: str


def main(arguments: Sequence[str]) -> int:
    """Lists or ends. Raises Stop where the settings or the table do not allow it."""
    asked = parse(arguments)
    sessions = PersonsSessions(address(environment()), asked.user)
    as_json, progress = asked.format == "json", Progress(sys.stderr)
    if asked.action == "end":
        ended = sum(counted(sessions.end(), "looked at", progress))
        print(json.dumps({"ended": ended}) if as_json else f"Ended {ended} session{'' if ended == 1 else 's'}.")
        return 0
    shown = sorted(counted(sessions.shown(), "read", progress), key=lambda session: session.created, reverse=True)
    print(json.dumps([asdict(session) for session in shown], indent=2) if as_json else as_table(shown))
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """`action`, `user` (tenant id and object id), `format`. Leaves with exit code 2 where that makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python3 dev sessions",
        description="See or end one person's sessions, in the table that SESSION_STORE (or "
        "SESSION_STORE__tableServiceUri) of the environment or of local.settings.json names.",
        epilog="end: no sign-in that is under way survives it either. Exit codes: 0 done, 1 the table or the settings "
        "do not allow it, 2 the command line makes no sense.",
    )
    parser.add_argument("action", choices=["list", "end"])
    parser.add_argument("--user", required=True, type=user, metavar="TENANT/OBJECT", help="tenant id/object id")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    return parser.parse_args(arguments)


def user(text: str) -> tuple[str, str]:
    """Tenant id and object id of a person, as tokens write them."""
    match = _USER.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("must be TENANT ID/OBJECT ID, two GUIDs, as the events of the log have them")
    return match[1].lower(), match[2].lower()


def environment() -> Mapping[str, str]:
    """The settings as `dev host` finds them. Raises Stop."""
    try:
        return merged(os.environ, Path(start.ROOT))
    except LocalSettingsInvalid as problem:
        raise Stop(str(problem)) from None


def address(environment: Mapping[str, str]) -> TableAddress:
    """Where the tables are. Raises Stop, without the setting's value."""
    text, uri = (environment.get(name, "").strip() for name in ("SESSION_STORE", "SESSION_STORE__tableServiceUri"))
    if not text and not uri:
        raise Stop("Set SESSION_STORE or SESSION_STORE__tableServiceUri, or write them into local.settings.json.")
    try:
        return settings.connection_string(text, in_azure=False) if text else settings.table_uri(uri, None)
    except settings.Fault as fault:
        raise Stop(f"{'SESSION_STORE' if text else 'SESSION_STORE__tableServiceUri'} {fault}.") from None


class PersonsSessions:
    """One person's sessions in one table. Methods raise Stop where the table is not there or does not answer."""

    def __init__(self, table: TableAddress, user: tuple[str, str]) -> None:
        self._clock, outbound = SystemClock(), Outbound(1)
        credential = None if table.account_key else _administrators_credential()
        self._endpoint = table.endpoint
        self._person = f"user.{user[0]}.{user[1]}"
        self._tables = AzureTables(table, outbound, credential)
        self._store = TokenStore(table, outbound, self._clock, credential)
        # The key ring opens device labels and seals new ones; neither happens here.
        self._index = SessionIndex(self._store, cast(Keyring, None), self._clock)

    def shown(self) -> Iterator[Shown]:
        """Every session that the index knows. `state`: active, expired, or ended where only the index has it yet."""
        with self._answering():
            for entry in self._entries():
                row = self._row(entry)
                expires = int(entry.properties["expires"])
                alive = "expired" if expires <= self._clock.now() else "active"
                yield Shown(
                    number=entry.key,
                    created=iso(int(entry.properties["created"])),
                    last_seen=iso(int(row.properties["seen"])) if row else "",
                    expires=iso(expires),
                    state=alive if row else "ended",
                )

    def end(self) -> Iterator[bool]:
        """End every session and every sign-in under way, as the person's own "sign out everywhere" does.

        Says of each that the index knows whether it was there. The index rows of one that was not stay for the purge: a
        sign-in that has just begun may need them to undo itself.
        """
        with self._answering():
            self._index.new_epoch(self._person, self._deadline())
            for entry in self._entries():
                row = self._row(entry)
                if row is not None:
                    self._store.delete("sessions", row.partition, row.key, self._deadline())
                    self._index.leave(row, self._deadline())
                yield row is not None

    def _entries(self) -> list[Row]:
        rows = self._store.partition("sessionindex", self._person, self._deadline())
        return [row for row in rows if row.key != "epoch"]

    def _row(self, entry: Row) -> Row | None:
        partition, _, key = str(entry.properties["session"]).partition("/")
        return self._store.read("sessions", partition, key, self._deadline())

    def _deadline(self) -> Deadline:
        return Deadline(self._clock, SECONDS)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Ask for the table first: what follows would make it where it is not, in a mistyped account say."""
        try:
            self._tables.query("sessionindex", "PartitionKey eq @name", {"name": self._person}, 1)(self._deadline())
            yield
        except TableMissing:
            raise Stop(f"{self._endpoint} has no table sessionindex: nobody has signed in with this store.") from None
        except (errors.StorageUnavailable, errors.OutcomeUnknown):
            raise Stop(f"{self._endpoint} does not answer, or refuses these credentials. Try again later.") from None


def _administrators_credential() -> TokenCredential:
    """Whoever is signed in here: the Azure CLI's account, say."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def counted[T](items: Iterable[T], done: str, progress: Progress) -> Iterator[T]:
    """The same, with a line for every hundred."""
    for count, item in enumerate(items, 1):
        if count % _OFTEN == 0:
            progress.say(f"{count} {done}")
        yield item


def as_table(shown: Sequence[Shown]) -> str:
    """Columns under their names; one sentence where there are no rows."""
    if not shown:
        return "No sessions."
    names = [field.name.replace("_", " ").upper() for field in fields(Shown)]
    lines = [names, *([value or "-" for value in asdict(session).values()] for session in shown)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
