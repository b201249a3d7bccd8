"""An HTTP proxy in front of Azurite that refuses, hangs and breaks connections as Azure Storage may.

Requests pass unchanged. The signature does not cover the port, so Azurite accepts them.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Refusal:
    """One of the service's own refusals."""

    status: int
    code: str

    @property
    def body(self) -> bytes:
        text = '{"odata.error":{"code":"%s","message":{"lang":"en-US","value":"Refused."}}}'
        return (text % self.code).encode()


@dataclass
class Fault:
    """What happens to requests whose "METHOD /path" the pattern matches; a method of MERGE is its own.

    `hang`: seconds of silence, then a reset. `cut`: the answer stops after half of its body.
    """

    pattern: str
    refusal: Refusal | None = None
    reset: Literal["before", "after"] | None = None
    hang: float = 0.0
    cut: bool = False
    times: int | None = None


@dataclass(frozen=True)
class Seen:
    """One request as it came, body included."""

    time: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class StorageProxy:
    """A running proxy. `idle_reset` in seconds: connections that were idle for so long are reset."""

    url: str
    connection_string: str
    target_port: int
    idle_reset: float | None = None
    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ending: threading.Event = field(default_factory=threading.Event)

    def fault(self, pattern: str, **what: Any) -> Fault:
        """Strike every request that matches, until `heal`, or `times` times."""
        made = Fault(pattern, **what)
        self.faults.append(made)
        return made

    def heal(self) -> None:
        """No faults from now on, and nothing seen so far."""
        with self.lock:
            self.faults.clear()
            self.seen.clear()
            self.connections = 0
            self.idle_reset = None

    def take(self, name: str) -> Fault | None:
        """The fault for this request, if any."""
        with self.lock:
            for fault in self.faults:
                if re.search(fault.pattern, name) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, proxy: StorageProxy, handler: type[BaseHTTPRequestHandler]) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), handler)

    def shutdown_request(self, request: Any) -> None:
        """Close without a FIN before it, so that a linger time of zero makes it a reset."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.proxy.lock:
            self.server.proxy.connections += 1
        self._upstream = http.client.HTTPConnection("127.0.0.1", self.server.proxy.target_port, timeout=30)

    def handle_one_request(self) -> None:
        """One request; an idle connection is reset instead of closed."""
        self.connection.settimeout(self.server.proxy.idle_reset)
        try:
            self.raw_requestline = self.rfile.readline(65537)
        except TimeoutError:
            self._reset()
            return
        self.connection.settimeout(None)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self._serve()

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def log_message(self, *args: Any) -> None:
        """Nothing: the proxy keeps what it has seen itself."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy = self.server.proxy
        method = self.headers.get("X-HTTP-Method", self.command)
        with proxy.lock:
            proxy.seen.append(Seen(time.monotonic(), method, self.path, dict(self.headers), body))
        fault = proxy.take(f"{method} {self.path}") or Fault("")
        if fault.hang:
            proxy.ending.wait(fault.hang)
        if fault.hang or fault.reset == "before":
            self._reset()
        elif fault.refusal is not None:
            headers = {"Content-Type": "application/json", "x-ms-error-code": fault.refusal.code}
            self._send(fault.refusal.status, headers, fault.refusal.body, cut=False)
        else:
            self._pass_on(body, fault)

    def _pass_on(self, body: bytes, fault: Fault) -> None:
        self._upstream.request(self.command, self.path, body or None, dict(self.headers))
        answer = self._upstream.getresponse()
        content = answer.read()
        if fault.reset == "after":
            self._reset()
            return
        dropped = ("content-length", "transfer-encoding", "connection", "keep-alive", "date", "server")
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
        self._send(answer.status, headers, content, cut=fault.cut)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, *, cut: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._reset()

    def _reset(self) -> None:
        """TCP RST: with a linger time of zero, closing sends no FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close_connection = True


@contextmanager
def storage_proxy(connection_string: str) -> Iterator[StorageProxy]:
    """A proxy before the table endpoint of this connection string, until the block ends."""
    match = re.search(r"TableEndpoint=http://127\.0\.0\.1:(\d+)", connection_string)
    assert match is not None
    proxy = StorageProxy("", "", int(match[1]))
    with _Server(proxy, _Handler) as server:
        port = server.server_address[1]
        proxy.url = f"http://127.0.0.1:{port}"
        proxy.connection_string = connection_string.replace(match[0], f"TableEndpoint={proxy.url}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ending.set()
            server.shutdown()
            thread.join()
