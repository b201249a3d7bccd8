"""Requests sent at the same moment over kept connections, each answered with what the checks need to know."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from dev.bench.helper import new_loop
from dev.bench.load import is_whole

_RETRY_AFTER = re.compile(rb"\r\nretry-after: *([0-9]+)\r\n", re.IGNORECASE)
_PATIENCE = 120.0  # seconds
_MOST_AGAIN = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `owner` is whose mail it shows, "" for none; `again` is how often it was told to come back, and did;
    `seconds` is what the answers took, without what it waited in between.
    """

    status: int
    owner: str
    code: str
    retry_after: int
    seconds: float = 0.0
    again: int = 0


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._answered is not None and is_whole(self._received):
            self._answered.set_result(self._received)
            self._received, self._answered = b"", None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None:
            self._answered.set_result(b"")


class Client:
    """`each` connections to each of the apps on `ports`."""

    def __init__(self, ports: Sequence[int], each: int, cookie_name: str) -> None:
        self._cookie_name = cookie_name
        self._runner = asyncio.Runner(loop_factory=new_loop)
        self._connections = self._runner.run(_connected(ports, each))

    def close(self) -> None:
        self._runner.close()

    def ask(self, cookies: Sequence[Sequence[str]]) -> list[list[Reply]]:
        """Send each app a request for each of its cookies, as many at once as there are connections to it.

        Who gets 429, 503 or 504 comes back after as long as it was told, else after a second, five times at most.
        """
        requests = [[self._request(cookie) for cookie in wanted] for wanted in cookies]
        return self._runner.run(_all(self._connections, requests))

    def _request(self, cookie: str) -> bytes:
        lines = "GET /api/messages?top=1 HTTP/1.1", "Host: localhost", "Accept: application/json"
        return "\r\n".join([*lines, f"Cookie: {self._cookie_name}={cookie}", "", ""]).encode("ascii")


async def _connected(ports: Sequence[int], each: int) -> list[list[_Connection]]:
    loop = asyncio.get_running_loop()
    return [[(await loop.create_connection(_Connection, "127.0.0.1", port))[1] for _ in range(each)] for port in ports]


async def _all(connections: list[list[_Connection]], requests: list[list[bytes]]) -> list[list[Reply]]:
    asked = [_of_one(*pair) for pair in zip(connections, requests, strict=True)]
    return await asyncio.wait_for(asyncio.gather(*asked), _PATIENCE)


async def _of_one(connections: list[_Connection], requests: list[bytes]) -> list[Reply]:
    """The answers of one app, in the order of the requests."""
    replies: dict[int, Reply] = {}
    waiting = iter(enumerate(requests))

    async def work(connection: _Connection) -> None:
        for place, request in waiting:
            replies[place] = await _asked(connection, request)

    await asyncio.gather(*map(work, connections))
    return [replies[place] for place in range(len(requests))]


async def _asked(connection: _Connection, request: bytes) -> Reply:
    """The last answer, with what all of them took."""
    seconds = 0.0
    for again in range(_MOST_AGAIN + 1):
        began = time.perf_counter()
        reply = _reply(await connection.ask(request))
        seconds += time.perf_counter() - began
        if reply.status not in (429, 503, 504) or again == _MOST_AGAIN:
            break
        await asyncio.sleep(reply.retry_after or 1)
    return replace(reply, seconds=seconds, again=again)


def _reply(answer: bytes) -> Reply:
    if not answer:
        return Reply(0, "", "connection lost", 0)
    head, _, body = answer.partition(b"\r\n\r\n")
    found = _RETRY_AFTER.search(head + b"\r\n")
    status, document = int(head.split(b" ", 2)[1]), json.loads(_unchunked(head, body))
    messages = document.get("messages") or [{}]
    owner, code = messages[0].get("subject", ""), document.get("code", "")
    return Reply(status, owner, code, int(found[1]) if found else 0)


def _unchunked(head: bytes, body: bytes) -> bytes:
    """The JSON itself: of a body in chunks, what lies between the first brace and the last."""
    return body[body.index(b"{") : body.rindex(b"}") + 1] if b"chunked" in head.lower() else body
