"""Every connection that the app opens. The only place that knows requests and urllib3.

A read time-out alone never ends an answer that drips byte by byte, since it starts again with every byte. So each
socket here asks, before every single receive, how much of the caller's deadline is left.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
import requests.adapters
import urllib3
import urllib3.connection

from shared.clock import Deadline
from shared.settings import is_loopback

CONNECT_SECONDS = 3.0
_CHUNK = 65536


class OutboundError(Exception):
    """Base of what can go wrong on the wire. `sent` is false where the request surely never left."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__(type(self).__name__)
        self.sent = sent


class Unreachable(OutboundError):
    """Raised when no connection could be made, or it broke."""


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


def retry_after(answer: Answer, now: float, default: int) -> int:
    """Whole seconds to wait, from 1 to 600, by Retry-After as a number or a date (RFC 9110 section 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text[:1].isdigit() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return default
    return max(1, min(600, math.ceil(seconds))) if math.isfinite(seconds) else default


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


class _Socket(socket.socket):
    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_current.seconds())
        return super().recv_into(*args, **options)


class _TlsSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_current.seconds())
        return super().recv_into(*args, **options)


class _Connection(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> socket.socket:
        plain = super()._new_conn()
        return _Socket(fileno=plain.detach())


class _TlsConnection(urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class Outbound:
    """Pooled connections without environment: no proxy, no .netrc, no CA bundle from a variable, no redirect followed.

    `connections` is the size of each host's pool. `ca_file` names one more CA, trusted for loopback hosts alone.
    """

    def __init__(self, connections: int, ca_file: str | None = None) -> None:
        self._connections = connections
        self._public = _pool_manager(connections, None)
        self._loopback = _pool_manager(connections, ca_file) if ca_file else self._public
        self._hosts: dict[str, urllib3.HTTPConnectionPool] = {}

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
        """Send one request once and read its whole answer.

        A kept connection that the other side has closed meanwhile is opened anew first. `max_bytes` counts the body
        after decompression. Raises Unreachable, TooSlow, TooLarge.
        """
        pool, target = self._pool(url)
        with bounded_by(deadline):
            return _exchange(pool, method, target, headers, body, max_bytes)

    def session(self) -> requests.Session:
        """A requests session over the same kind of sockets, for a library that brings its own client."""
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        for scheme in _POOLS:
            session.mount(f"{scheme}://", _Adapter(self._connections))
        return session

    def _pool(self, url: str) -> tuple[urllib3.HTTPConnectionPool, str]:
        parts = urlsplit(url)
        pool = self._hosts.get(parts.netloc)
        if pool is None or pool.scheme != parts.scheme:
            manager = self._loopback if is_loopback(parts.hostname) else self._public
            pool = self._hosts[parts.netloc] = manager.connection_from_url(url)
        return pool, url.partition(parts.netloc)[2] or "/"


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    context.sslsocket_class = _TlsSocket
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def _pool_manager(connections: int, ca_file: str | None) -> urllib3.PoolManager:
    manager = urllib3.PoolManager(
        num_pools=16, maxsize=connections, block=False, retries=False, ssl_context=_tls(ca_file)
    )
    manager.pool_classes_by_scheme = _POOLS
    return manager


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, connections: int) -> None:
        super().__init__(
            pool_connections=4, pool_maxsize=connections, max_retries=urllib3.Retry(total=False, redirect=False)
        )

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=_tls(None), **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS


def _exchange(
    pool: urllib3.HTTPConnectionPool,
    method: str,
    target: str,
    headers: Mapping[str, str] | None,
    body: bytes | None,
    max_bytes: int,
) -> Answer:
    try:
        left = _current.seconds()
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=left)
        answer = pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=timeout,
            preload_content=False,
        )
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
        raise Unreachable(sent=False) from None
    except (TimeoutError, urllib3.exceptions.TimeoutError):
        raise TooSlow(sent=True) from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise Unreachable(sent=True) from None
    try:
        content = _read(answer, max_bytes)
    except (TimeoutError, urllib3.exceptions.TimeoutError):
        answer.close()
        raise TooSlow(sent=True) from None
    except (urllib3.exceptions.HTTPError, OSError):
        answer.close()
        raise Unreachable(sent=True) from None
    return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)


def _read(answer: urllib3.BaseHTTPResponse, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in answer.stream(_CHUNK, decode_content=True):
        size += len(piece)
        if size > max_bytes:
            answer.close()
            raise TooLarge(sent=True)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
