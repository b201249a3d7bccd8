"""A helper that answers every GET as Graph would the first page of mail, over https, at the cost of one write.

It takes `{"ca_folder": PATH}` first and answers `{"port": N}`; then any number of `{"delay": SECONDS}`. Connections
are kept for ever.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import ssl
import sys
from pathlib import Path
from typing import cast

from dev.bench import mail_page
from dev.bench.helper import new_loop
from dev.certificates import server_certificate

_TOKEN = re.compile(rb"\r\nauthorization: bearer .", re.IGNORECASE)
_GZIP = re.compile(rb"\r\naccept-encoding:[^\r]*gzip", re.IGNORECASE)
_KIND = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


class Answers:
    """The answers, made beforehand, and how long each takes in seconds."""

    def __init__(self) -> None:
        self.delay = 0.0
        self._refusal = _answer("401 Unauthorized", b'{"error":{"code":"InvalidAuthenticationToken","message":""}}')
        self._plain = self._zipped = self._refusal

    def use_page(self, page: bytes) -> None:
        self._plain = _answer("200 OK", page)
        self._zipped = _answer("200 OK", gzip.compress(page), "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n")

    def to(self, head: bytes) -> bytes:
        if not _TOKEN.search(head):
            return self._refusal
        return self._zipped if _GZIP.search(head) else self._plain


def _answer(status: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nCache-Control: private\r\nContent-Type: {_KIND}\r\n{more}Content-Length: {len(body)}\r\n"
        "request-id: 3f1d2c4b-0000-4000-8000-000000000000\r\nOData-Version: 4.0\r\n\r\n"
    )
    return head.encode("ascii") + body


class _Connection(asyncio.Protocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            answer = self._answers.to(head)
            if self._answers.delay:
                asyncio.get_running_loop().call_later(self._answers.delay, self._write, answer)
            else:
                self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    answers = Answers()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    first = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    tls.load_cert_chain(*server_certificate(Path(first["ca_folder"])))
    server = await loop.create_server(lambda: _Connection(answers), "127.0.0.1", 0, ssl=tls, backlog=256)
    port = server.sockets[0].getsockname()[1]
    folder = f"https://localhost:{port}/v1.0/me/mailFolders/inbox/messages"
    answers.use_page(mail_page.page(f"{folder}?$top=10&$select=id,subject&$skip=10"))
    print(json.dumps({"port": port}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answers.delay = json.loads(line)["delay"]
        print("{}", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(), loop_factory=new_loop)
