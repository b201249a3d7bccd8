"""Raw HTTP/1.1 for the tests of the local host: what is sent and what is answered, byte for byte."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.host.options import HostOptions

APPS = Path(__file__).parent / "host_apps"


def options(app: str, **more: Any) -> HostOptions:
    """The options that serve one of the sample apps, with no more environment than Python needs."""
    environment = {"PATH": os.environ["PATH"], **more.pop("environment", {})}
    return HostOptions(APPS / app, environment=environment, **more)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names in lower case, in order, repeats kept."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def ask(port: int, target: str, *headers: str, method: str = "GET", body: bytes | None = None) -> Answer:
    """One request on a connection of its own. Host and Content-Length are added unless given."""
    lines = [f"{method} {target} HTTP/1.1", *headers]
    names = {header.partition(":")[0].lower() for header in headers}
    if "host" not in names:
        lines.append(f"Host: localhost:{port}")
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    return exchange(port, "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))


def exchange(port: int, request: bytes) -> Answer:
    """Send `request` and read until the connection closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65536):
            received += part
    return _parsed(received)


def _parsed(received: bytes) -> Answer:
    head, _, content = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    if ("transfer-encoding", "chunked") in headers:
        content = _joined(content)
    return Answer(int(status_line.split(" ")[1]), headers, content)


def _joined(chunked: bytes) -> bytes:
    content = b""
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        content += rest[: int(size, 16)]
        chunked = rest[int(size, 16) + 2 :]
    return content
