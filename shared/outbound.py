"""Every connection that the app opens: with which trust, to whom, and without what the environment says.

The only place that knows requests and urllib3, which the library for tables is given. What the app itself sends goes
over `wire`, at half their cost.
"""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Mapping
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
from shared.wire import Answer, BoundedSocket, BoundedTlsSocket, KeptConnections, bounded_by


def retry_after(answer: Answer, now: float, default: int) -> int:
    """Whole seconds to wait, from 1 to 600, by Retry-After as a number or a date (RFC 9110 section 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text[:1].isdigit() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return default
    return max(1, min(600, math.ceil(seconds))) if math.isfinite(seconds) else default


class Outbound:
    """Kept connections without environment: no proxy, no .netrc, no CA bundle from a variable, no redirect followed.

    `connections` is how many are kept for each host. `ca_file` names one more CA, trusted for loopback hosts alone.
    """

    def __init__(self, connections: int, ca_file: str | None = None) -> None:
        self._connections = connections
        self._ca_file = ca_file
        self._public = _tls(None)
        self._loopback = _tls(ca_file) if ca_file else self._public
        self._hosts: dict[str, KeptConnections] = {}

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
        after decompression; gzip alone is understood, where `headers` ask for it.
        Raises wire.Unreachable, wire.TooSlow, wire.TooLarge.
        """
        host, target = self._host(url)
        with bounded_by(deadline):
            return host.exchange(method, target, headers or {}, body, max_bytes)

    def session(self, host: str = "") -> requests.Session:
        """A requests session over the same kind of sockets, for a library that brings its own client.

        It trusts the one more CA where `host`, the only one that the library asks, is a loopback one.
        """
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        adapter = _Adapter(self._connections, self._ca_file if is_loopback(host) else None)
        for scheme in _POOLS:
            session.mount(f"{scheme}://", adapter)
        return session

    def _host(self, url: str) -> tuple[KeptConnections, str]:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        host = self._hosts.get(origin)
        if host is None:
            name, https = parts.hostname or "", parts.scheme == "https"
            context = (self._loopback if is_loopback(name) else self._public) if https else None
            host = KeptConnections(name, parts.port or (443 if https else 80), context, self._connections)
            self._hosts[origin] = host
        return host, url[len(origin) :] or "/"


class _Connection(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return BoundedSocket(fileno=super()._new_conn().detach())


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


_POOLS = {"http": _Pool, "https": urllib3.HTTPSConnectionPool}


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    context.sslsocket_class = BoundedTlsSocket
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, connections: int, ca_file: str | None) -> None:
        self._ca_file = ca_file
        super().__init__(
            pool_connections=4, pool_maxsize=connections, max_retries=urllib3.Retry(total=False, redirect=False)
        )

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=_tls(self._ca_file), **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS
