"""A helper that sends requests as fast as they are answered, each connection one after another, and times them.

It takes `{"port", "requests": [one per connection], "seconds", "limit", "ca_file"}` and answers with figures.Load;
`limit` ends it after so many answers (0: none), `ca_file` makes it https.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any, cast

from dev.bench.figures import Load, load_of
from dev.bench.helper import answer_all, new_loop

_PATIENCE = 60.0  # seconds beyond the planned end


class _Run:
    """What all connections of one measurement share."""

    def __init__(self, connections: int, limit: int) -> None:
        self.latencies: list[float] = []
        self.errors = 0
        self.ends = 0.0
        self.limit = limit or 2**62
        self.sent = 0
        self.open = connections
        self.over: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def may_send(self, now: float) -> bool:
        self.sent += 1
        return now < self.ends and self.sent <= self.limit

    def leave(self) -> None:
        self.open -= 1
        if not self.open and not self.over.done():
            self.over.set_result(time.perf_counter())


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run, request: bytes) -> None:
        self._run = run
        self._request = request
        self._received = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        assert self._transport is not None
        now = time.perf_counter()
        if not self._run.may_send(now):
            self._transport.close()
            return
        self._waiting = True
        self._sent = now
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not is_whole(self._received):
            return
        self._run.latencies.append(time.perf_counter() - self._sent)
        if not self._received.startswith(b"HTTP/1.1 200"):
            self._run.errors += 1
        self._received = b""
        self._waiting = False
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.errors += self._waiting
        self._run.leave()


def is_whole(answer: bytes) -> bool:
    """Whether all of an answer is there. A chunked one is taken to carry JSON, which holds no bare line break."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[:end].lower()
    _, named, rest = head.partition(b"\r\ncontent-length:")
    if named:
        return len(answer) - end - 4 >= int(rest.partition(b"\r\n")[0])
    return len(answer) > end + 4 and answer.endswith(b"0\r\n\r\n")


async def measure(question: dict[str, Any]) -> Load:
    """Connect all, then send; the time runs from there."""
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context(cafile=question["ca_file"]) if question.get("ca_file") else None
    run = _Run(len(question["requests"]), question.get("limit", 0))
    connections = []
    for request in question["requests"]:
        _, connection = await loop.create_connection(
            lambda request=request: _Connection(run, request.encode("ascii")),
            "127.0.0.1",
            question["port"],
            ssl=tls,
            server_hostname="localhost" if tls else None,
        )
        connections.append(connection)
    began = time.perf_counter()
    run.ends = began + question["seconds"]
    for connection in connections:
        connection.send()
    over = await asyncio.wait_for(run.over, question["seconds"] + _PATIENCE)
    return load_of(run.latencies, run.errors, over - began)


if __name__ == "__main__":
    answer_all(lambda question: asyncio.run(measure(question), loop_factory=new_loop).as_json())
