"""HTTP over kept connections, each receive under the caller's deadline.

A read time-out alone never ends an answer that drips byte by byte, since it starts again with every byte. So each
socket here asks, before every single receive, how much of the deadline is left.
"""

from __future__ import annotations

import http.client
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

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_current.seconds())
        return super().recv_into(*args, **options)


class BoundedTlsSocket(ssl.SSLSocket):
    """The same with TLS; an ssl.SSLContext makes it by `sslsocket_class`."""

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_current.seconds())
        return super().recv_into(*args, **options)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self._context = context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), min(CONNECT_SECONDS, _current.seconds()))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is not None:
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)
        else:
            self.sock = BoundedSocket(fileno=plain.detach())

    def is_usable(self) -> bool:
        """Whether the other side has neither closed the idle connection nor sent anything on it."""
        return not select.select([self.sock], [], [], 0)[0]


class KeptConnections:
    """Connections to one host, kept open between requests: at most `most` of them, the latest used first."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, most: int) -> None:
        self._host = host
        self._port = port
        self._context = context
        self._idle: deque[_Connection] = deque(maxlen=most)
        weakref.finalize(self, _close, self._idle)

    def idle(self) -> int:
        """How many connections are kept and still usable."""
        return sum(connection.is_usable() for connection in list(self._idle))

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, limit: int) -> Answer:
        """Send one request once and read its whole answer, at most `limit` bytes of body after decompression.

        Raises Unreachable, TooSlow, TooLarge.
        """
        connection = self._connection()
        try:
            if connection.sock is not None:
                connection.sock.settimeout(_current.seconds())
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            content = _read(response, limit)
        except TimeoutError:
            connection.close()
            raise TooSlow from None
        except (OSError, http.client.HTTPException, zlib.error, ValueError):
            connection.close()
            raise Unreachable from None
        except BaseException:
            connection.close()
            raise
        if not response.will_close:
            self._keep(connection)
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)

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


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    """The body, decompressed. Cut short, it is an error: http.client itself ends quietly where bytes are missing."""
    gzip = response.headers.get("content-encoding", "").lower() == "gzip"
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if gzip else None
    pieces: list[bytes] = []
    size = 0
    while piece := response.read(_CHUNK):
        while piece:
            plain = unzip.decompress(piece, _CHUNK) if unzip else piece
            piece = unzip.unconsumed_tail if unzip else b""
            size += len(plain)
            if size > limit:
                raise TooLarge
            pieces.append(plain)
    if response.length or (unzip is not None and not unzip.eof and size):
        raise Unreachable
    return b"".join(pieces)
