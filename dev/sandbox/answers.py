"""Answers as values, and ways to put them on the wire that no server offers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from dev.sandbox.clock import Pauses
from dev.sandbox.connections import Connection
from dev.sandbox.faults import Action
from dev.sandbox.merge_patch import merge_patch

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
FLUSH_DEADLINE = 2.0
_ZEROES = bytes(1 << 20)


@dataclass(frozen=True)
class Answer:
    """A whole response. Without a Content-Length among the headers it is sent chunked."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def with_body(self, body: bytes) -> Answer:
        """The same with another body, and a Content-Length that agrees if there was one."""
        headers = [
            (name, str(len(body)).encode() if name.lower() == b"content-length" else value)
            for name, value in self.headers
        ]
        return replace(self, headers=headers, body=body)

    def without(self, header: bytes) -> Answer:
        """The same without a header."""
        return replace(self, headers=[pair for pair in self.headers if pair[0].lower() != header])

    @property
    def chunked(self) -> bool:
        """Whether it goes out in chunks."""
        return not any(name.lower() == b"content-length" for name, _ in self.headers)


def scripted_answer(action: Action) -> Answer:
    """The answer that a fault gives in place of the service."""
    is_text = isinstance(action.body, str)
    body = action.body.encode("utf-8", "surrogatepass") if is_text else b""
    if action.body is not None and not is_text:
        body = json.dumps(action.body).encode()
    headers = [
        (name.lower().encode(), str(value).encode("latin-1"))
        for name, values in action.headers.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    names = {name for name, _ in headers}
    if b"content-type" not in names and action.body is not None:
        headers.append((b"content-type", b"text/plain" if is_text else b"application/json"))
    if b"content-length" not in names and b"transfer-encoding" not in names:
        headers.append((b"content-length", str(len(body)).encode()))
    return Answer(action.status or 200, headers, body)


def changed(answer: Answer, action: Action) -> Answer:
    """The service's own answer with the merge patch applied and the bomb in place."""
    if action.change is not None:
        answer = answer.with_body(json.dumps(merge_patch(json.loads(answer.body), action.change)).encode())
    if action.gzip_bomb is not None:
        answer = answer.without(b"content-encoding").with_body(_gzip_bomb(action.gzip_bomb))
        answer.headers.append((b"content-encoding", b"gzip"))
    return answer


def compressed(answer: Answer) -> Answer:
    """gzip, as Graph does when asked."""
    if any(name.lower() == b"content-encoding" for name, _ in answer.headers):
        return answer
    answer = answer.with_body(_gzipped(answer.body))
    answer.headers.append((b"content-encoding", b"gzip"))
    return answer


@functools.lru_cache(maxsize=512)
def _gzipped(body: bytes) -> bytes:
    """Pages of a mailbox are asked for again and again; a load test should not measure zlib."""
    return gzip.compress(body, compresslevel=1, mtime=0)


async def send_answer(answer: Answer, send: Send) -> None:
    """Through the server, in the ordinary way."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


async def send_faulty(answer: Answer, action: Action, connection: Connection, receive: Receive, pauses: Pauses) -> None:
    """Byte by byte, or cut off; then the connection ends, since its framing cannot be trusted any more."""
    head, before, after = _on_the_wire(answer)
    body = answer.body if action.cut is None else answer.body[: action.cut]
    slow = before + body + (after if action.cut is None else b"")
    if action.drip_headers is not None:
        await _drip(head + slow, action.drip_headers, connection, pauses)
    else:
        connection.write_raw(head)
        await _drip(slow, action.drip or 0.0, connection, pauses)
    if action.cut is not None:
        await _flushed(connection)
        connection.reset()
    connection.transport.close()
    await disconnected(receive)


async def disconnected(receive: Receive) -> None:
    """Return when the connection is gone, so that the server does not miss an answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _on_the_wire(answer: Answer) -> tuple[bytes, bytes, bytes]:
    """The head, and what stands before and after the body: a single chunk where there is no Content-Length."""
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {answer.status} {phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.headers if name.lower() != b"transfer-encoding"]
    if answer.chunked:
        lines.append(b"transfer-encoding: chunked")
    head = b"\r\n".join([*lines, b"connection: close", b"", b""])
    if answer.chunked:
        return head, b"%x\r\n" % len(answer.body), b"\r\n0\r\n\r\n"
    return head, b"", b""


async def _drip(data: bytes, seconds: float, connection: Connection, pauses: Pauses) -> None:
    step = 1 if seconds else len(data)
    for position in range(0, len(data), step or 1):
        if connection.transport.is_closing():
            return
        connection.write_raw(data[position : position + step])
        if await pauses.pause(seconds):
            seconds = 0.0


async def _flushed(connection: Connection) -> None:
    """A reset throws away what has not left yet; a client that reads nothing is not waited for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_DEADLINE):
            while connection.has_unsent_data():
                await asyncio.sleep(0.001)


def _gzip_bomb(decoded_size: int) -> bytes:
    parts = []
    whole, rest = divmod(decoded_size, len(_ZEROES))
    megabyte = gzip.compress(_ZEROES, mtime=0)
    # A gzip file may consist of several members (RFC 1952 section 2.2); one compressed megabyte serves for all.
    parts += [megabyte] * whole
    if rest or not whole:
        parts.append(gzip.compress(bytes(rest), mtime=0))
    return b"".join(parts)
