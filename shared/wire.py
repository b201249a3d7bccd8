"""HTTP over kept connections, each receive under the caller's deadline.

A read time-out alone never ends an answer that drips byte by byte, since it starts again with every byte. So each
socket here asks, before every single receive, how much of the deadline is left.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import weakref
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httptools

from shared.clock import Deadline

CONNECT_SECONDS = 3.0
_CHUNK = 65536


class OutboundError(Exception):
    """Base of what can go wrong on the wire."""


class Unreachable(OutboundError):
    """Raised when no connection could be made, or it broke, or the answer was cut short."""


class TooSlow(OutboundError):
    """Raised when the deadline passed first."""


class TooLarge(OutboundError):
    """Raised when the answer, after decompression, exceeds the caller's limit."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Current(threading.local):
    deadline: Deadline | None = None

    def seconds(self) -> float:
        if self.deadline is None:
            return CONNECT_SECONDS
        left = self.deadline.remaining()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


_current = _Current()


@contextmanager
def bounded_by(deadline: Deadline) -> Iterator[None]:
    """Put everything that this thread sends and receives inside under the deadline, a library's calls included."""
    before, _current.deadline = _current.deadline, deadline
    try:
        yield
    finally:
        _current.deadline = before


class BoundedSocket(socket.socket):
    """A socket whose every receive ends at the deadline."""

    def recv(self, *args: Any, **options: Any) -> bytes:
        self.settimeout(_current.seconds())
        return super().recv(*args, **options)

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_current.seconds())
        return super().recv_into(*args, **options)


class BoundedTlsSocket(ssl.SSLSocket):
    """The same with TLS; an ssl.SSLContext makes it by `sslsocket_class`."""

    def recv(self, *args: Any, **options: Any) -> bytes:
        self.settimeout(_current.seconds())
        return super().recv(*args, **options)

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_current.seconds())
        return super().recv_into(*args, **options)


class _Connection:
    """One TCP or TLS connection."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        plain = socket.create_connection((host, port), min(CONNECT_SECONDS, _current.seconds()))
        self.socket: socket.socket
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                self.socket = context.wrap_socket(plain, server_hostname=host)
            else:
                self.socket = BoundedSocket(fileno=plain.detach())
        except BaseException:
            plain.close()
            raise

    def is_usable(self) -> bool:
        """Whether the other side has neither closed the idle connection nor sent anything on it."""
        if not hasattr(select, "poll"):
            return not select.select([self.socket], [], [], 0)[0]
        poll = select.poll()  # select alone cannot look at a descriptor beyond 1023
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.socket.close()


class _Received:
    """What httptools' parser tells of one answer; the body is decompressed and counted as it comes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []
        self._unzip: zlib._Decompress | None = None
        self.headers: dict[str, str] = {}
        self.begun = False
        self.complete = False
        self.too_large = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key == "www-authenticate" and key in self.headers:  # each line holds challenges of its own
            text = f"{self.headers[key]}, {text}"
        self.headers[key] = text

    def on_headers_complete(self) -> None:
        self.begun = True
        if self.headers.get("content-encoding", "").lower() == "gzip":
            self._unzip = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def on_body(self, body: bytes) -> None:
        if self._unzip is None:
            self._add(body)
            return
        while body:
            if self._unzip.eof:  # a gzip file may have several members (RFC 1952 section 2.2)
                self._unzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
            self._add(self._unzip.decompress(body, _CHUNK))
            # At the end of a member `unconsumed_tail` still holds what it held before, and would be read for ever.
            body = self._unzip.unused_data if self._unzip.eof else self._unzip.unconsumed_tail

    def on_message_complete(self) -> None:
        self.complete = True

    def body(self) -> bytes:
        """The whole body. Raises Unreachable where compressed bytes are missing at its end."""
        if self._unzip is not None and self._size and not self._unzip.eof:
            raise Unreachable
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            self.too_large = True
            raise TooLarge
        self._pieces.append(piece)


class KeptConnections:
    """Connections to one host, kept open between requests: at most `most` of them, the latest used first."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, most: int) -> None:
        self._host = host
        self._port = port
        self._context = context
        standard = port == (443 if context else 80)
        shown = f"[{host}]" if ":" in host else host
        self._named = shown if standard else f"{shown}:{port}"
        self._idle: deque[_Connection] = deque(maxlen=most)
        weakref.finalize(self, _close, self._idle)

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, limit: int) -> Answer:
        """Send one request once and read its whole answer, at most `limit` bytes of body after decompression.

        An answer that only the end of the connection ends cannot be told from one cut short, and is refused.
        Raises Unreachable, TooSlow, TooLarge.
        """
        sent = _request(method, target, self._named, headers, body)
        connection: _Connection | None = None
        try:
            connection = self._connection()
            answer, keep = _exchange(connection, sent, limit)
        except (OSError, zlib.error, httptools.HttpParserError, OutboundError) as problem:
            if connection is not None:
                connection.close()
            raise _meaning(problem) from None
        if keep:
            self._keep(connection)
        else:
            connection.close()
        return answer

    def _connection(self) -> _Connection:
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                return _Connection(self._host, self._port, self._context)
            if kept.is_usable():
                return kept
            kept.close()

    def _keep(self, connection: _Connection) -> None:
        if len(self._idle) == self._idle.maxlen:
            connection.close()
        else:
            self._idle.append(connection)


def _close(connections: deque[_Connection]) -> None:
    for connection in connections:
        connection.close()


def _request(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The request as it goes out (RFC 9112 section 2). Raises ValueError for what would end a line early."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    text = "\r\n".join(lines)
    if text.count("\r") + text.count("\n") != 2 * (len(lines) - 1) or "\0" in text or " " in target:
        raise ValueError("a line break, a NUL or a space in a request line or header")
    return text.encode("ascii") + b"\r\n\r\n" + (body or b"")


def _exchange(connection: _Connection, sent: bytes, limit: int) -> tuple[Answer, bool]:
    """The answer, and whether the connection may be used again."""
    received = _Received(limit)
    parser = httptools.HttpResponseParser(received)
    connection.socket.settimeout(_current.seconds())
    connection.socket.sendall(sent)
    raw = 0
    while not received.complete:
        data = connection.socket.recv(_CHUNK)
        if not data:
            raise Unreachable
        raw += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            # Its __context__ would be what our callback raised, unless the caller is handling an exception already.
            raise (TooLarge if received.too_large else Unreachable) from None
        # Headers, chunk extensions and trailers without end count as well.
        if raw > (2 * limit if received.begun else 0) + 2 * _CHUNK:
            raise TooLarge
    answer = Answer(parser.get_status_code(), received.headers, received.body())
    closing = received.headers.get("connection", "").lower() == "close"
    return answer, parser.get_http_version() == "1.1" and not closing


def _meaning(problem: Exception) -> OutboundError:
    """What went wrong, in our words."""
    if isinstance(problem, TimeoutError):
        return TooSlow()
    return problem if isinstance(problem, OutboundError) else Unreachable()
