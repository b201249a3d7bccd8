"""A network that is a function from request to answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

from shared.clock import Deadline
from shared.outbound import Outbound
from shared.wire import Answer, OutboundError, TooSlow


@dataclass(frozen=True, slots=True)
class Request:
    """One request that the app sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float = field(compare=False, default=0.0)
    """What was left of its deadline."""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        """A form body; each name once."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items() if len(values) == 1}


type Handler = Callable[[Request], Answer | OutboundError]


class FakeNetwork(Outbound):
    """Outbound without sockets. The first handler whose prefix the URL has answers; where none has, the test fails."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._handlers: list[tuple[str, Handler]] = []

    def answer(self, prefix: str, handler: Handler | Answer | OutboundError) -> None:
        """From now on, answer every URL that begins with `prefix` so; later calls go before earlier ones."""
        self._handlers.insert(0, (prefix, handler if callable(handler) else lambda request: handler))

    def answer_once(self, prefix: str, *answers: Answer | OutboundError) -> None:
        """Give these answers one after another, then do again what was done before."""
        queue = list(answers)

        def next_answer(request: Request) -> Answer | OutboundError:
            answer = queue.pop(0)
            if not queue:
                self._handlers.remove(entry)
            return answer

        entry: tuple[str, Handler] = (prefix, next_answer)
        self._handlers.insert(0, entry)

    def sent(self, prefix: str = "") -> list[Request]:
        """The requests so far whose URL begins with `prefix`."""
        return [request for request in self.requests if request.url.startswith(prefix)]

    def request(
        self,
        method: str,
        url: str,
        *,
        deadline: Deadline,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        request = Request(method, url, dict(headers or {}), body or b"", deadline.remaining())
        self.requests.append(request)
        if request.seconds <= 0:
            raise TooSlow()
        for prefix, handler in list(self._handlers):
            if url.startswith(prefix):
                answer = handler(request)
                if isinstance(answer, OutboundError):
                    raise answer
                return answer
        raise AssertionError(f"nobody answers {method} {url.partition('?')[0]}")

    def session(self, host: str = "") -> NoReturn:
        raise AssertionError("a library asked for a connection of its own")


def json_answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer. Header names by keyword, `_` for `-`."""
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Answer(status, {"content-type": "application/json", **named}, json.dumps(body).encode())
