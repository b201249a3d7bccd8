"""Where the CPU of one `GET api/messages` goes, measured part by part in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import azure.functions as func

import function_app
from dev.bench import mail_page
from dev.bench.people import Person
from dev.bench.stage import LIST, Stage
from functions import messages
from shared.clock import Deadline, SystemClock
from shared.config import Config
from shared.graph import Access
from shared.mail import Wanted
from shared.sealing import DataKey, seal, unseal
from shared.secret import Secret
from shared.services import Services, build

_SECONDS = 25.0
_TOP = 25
_WARM = 20


@dataclass(frozen=True)
class Parts:
    """CPU seconds of one request. `handler` holds all others: what remains of it is our own code."""

    handler: float
    store: float
    graph: float
    json: float
    sealing: float


def measure(stage: Stage, times: int) -> Parts:
    """Each part so many times, with Graph answering at once."""
    stage.use_delay(0)
    person = stage.people[0]
    services = build(Config.from_environment(stage.settings), SystemClock(), str(stage.ca_file))
    function_app.services.use(lambda: services)
    page = json.loads(mail_page.page("https://localhost/v1.0/me/messages"))
    text = json.dumps(page)
    handler, store, asking, loading, dumping, sealing = _cpu(
        [
            lambda: _handle(stage, person),
            lambda: services.store.read("sessions", person.partition, person.key, _deadline(services)),
            lambda: _ask(services, person),
            lambda: json.loads(text),
            lambda: json.dumps(page, separators=(",", ":")),
            _sealing(stage, person),
        ],
        times,
    )
    return Parts(handler, store, graph=asking - loading, json=loading + dumping, sealing=sealing)


def _cpu(calls: Sequence[Callable[[], object]], times: int) -> list[float]:
    """CPU seconds of this process for each of these calls, after a few rounds that do not count.

    The calls take turns, so that each finds the processor's caches as the others leave them, as in a request.
    """
    spent = [0.0] * len(calls)
    for turn in range(_WARM + times):
        for number, call in enumerate(calls):
            began = time.process_time()
            call()
            if turn >= _WARM:
                spent[number] += time.process_time() - began
    return [seconds / times for seconds in spent]


def _deadline(services: Services) -> Deadline:
    return Deadline(services.clock, _SECONDS)


def _ask(services: Services, person: Person) -> None:
    services.mail.messages(
        Access(Secret(person.access_token), person.key),
        Wanted("inbox", unread=False, search=None, top=_TOP),
        _deadline(services),
    )


def _handle(stage: Stage, person: Person) -> None:
    headers = {"accept": "application/json", "cookie": stage.cookie(person)}
    request = func.HttpRequest(
        method="GET", url=f"http://localhost{LIST}", headers=headers, params={}, route_params={}, body=b""
    )
    function_app.served(request, messages.list_messages)


def _sealing(stage: Stage, person: Person) -> Callable[[], object]:
    """Opening a session's payload and sealing a page cursor, as one request does."""
    data_key = DataKey("00000001", bytes(32))
    salt, payload, link = person.cookie.encode(), person.access_token.encode() * 2, b"x" * 200
    sealed = seal(data_key, salt, "session", person.key, payload)

    def both() -> None:
        unseal(data_key, salt, "session", person.key, sealed)
        seal(data_key, salt, "cursor", person.key, link)

    return both


def report(parts: Parts, whole: float) -> str:
    """One line. `whole` is the CPU of a request on the local host with one connection, worker and server included."""
    shares = {
        "store read": parts.store,
        "Graph call": parts.graph,
        "worker and host": whole - parts.handler,
        "JSON": parts.json,
        "sealing": parts.sealing,
        "our own code": parts.handler - parts.store - parts.graph - parts.json - parts.sealing,
    }
    ordered = sorted(shares.items(), key=lambda part: -part[1])
    text = ", ".join(f"{name} {cpu * 1e6:.0f} us ({cpu / whole:.0%})" for name, cpu in ordered)
    return f"What dominates the {whole * 1e6:.0f} us of CPU of one request, one connection, Graph at 0 ms: {text}.\n"
