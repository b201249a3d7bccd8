"""A table service that answers by script: for what the emulator never does, such as losing an answer."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. A status of 0 resets the connection instead; `body` as text is sent as it is."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


RESET = Reply(0)


def refusal(status: int, code: str) -> Reply:
    """An error as the table service words it."""
    return Reply(status, {"odata.error": {"code": code, "message": {"lang": "en-US", "value": f"{code}."}}})


class TableServer:
    """Gives the scripted replies one after another, whoever asks; after the last one, `otherwise`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.otherwise = refusal(503, "ServerBusy")
        self.endpoint = ""
        self._replies: deque[Reply] = deque()

    def script(self, *replies: Reply) -> None:
        self._replies.extend(replies)

    def count(self, method: str) -> int:
        return sum(method == asked for asked, _ in self.requests)

    def next(self, method: str, path: str) -> Reply:
        self.requests.append((method, path))
        return self._replies.popleft() if self._replies else self.otherwise


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tables: TableServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing."""

    def _reply(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.tables.next(self.command, self.path)
        if reply.status == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        text = reply.body if isinstance(reply.body, str) else "" if reply.body is None else json.dumps(reply.body)
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = _reply  # noqa: N815 (the library's names)


class _Server(ThreadingHTTPServer):
    def shutdown_request(self, request: Any) -> None:
        """Close without the polite shutdown, so that a lingering time of zero becomes a reset."""
        self.close_request(request)


@contextmanager
def table_server() -> Iterator[TableServer]:
    """A running one on a free loopback port."""
    tables = TableServer()
    handler = type("Handler", (_Handler,), {"tables": tables})
    with _Server(("127.0.0.1", 0), handler) as server:
        tables.endpoint = f"http://127.0.0.1:{server.server_address[1]}/devstoreaccount1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield tables
        finally:
            server.shutdown()
            thread.join()
