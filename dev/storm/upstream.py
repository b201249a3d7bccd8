"""A helper that plays Entra's token endpoint and Graph over https, counts, and says afterwards what was asked when.

Tokens name their person: `kind.tenant.object.number.padding`. A refresh token stays valid, as at Entra; every grant
issues the next number. Graph's one message has the token's person as its subject. It takes `{"ca_folder"}` first and
answers `{"port"}`; then any number of questions with `delay` (of a grant, in seconds), `offset` (of its clock, in
seconds), `forget` (true: what was asked so far) and `calls` (true: the answer lists all, not the grants alone).
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

from dev.bench.helper import new_loop
from dev.certificates import server_certificate
from dev.sandbox.options import CLIENT_ID

LIFE = 3600
"""Seconds that an access token lives."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_BEARER = re.compile(rb"\r\nauthorization: bearer ([\x21-\x7e]+)", re.IGNORECASE)
_PADDING = "x" * 1200  # so that rows are about as large as with Entra's tokens


@dataclass(frozen=True)
class Call:
    """One request. `number` is that of the token presented."""

    time: float
    what: str
    person: str
    number: int


def token(kind: str, tenant: str, person: str, number: int) -> str:
    """A token of `kind` access or refresh, number 0 for one that a sign-in would have given."""
    return f"{kind}.{tenant}.{person}.{number}.{_PADDING}"


class Upstream:
    """The answers."""

    def __init__(self) -> None:
        self.origin = ""
        self.delay = 0.0
        self.offset = 0.0
        self.calls: list[Call] = []
        self._issued = 0

    def instructed(self, question: dict[str, Any]) -> dict[str, Any]:
        """Change what the question says, and tell what was asked since the last `forget`."""
        self.delay = question.get("delay", self.delay)
        self.offset = question.get("offset", self.offset)
        told = [asdict(call) for call in self.calls if question.get("calls") or call.what == "grant"]
        if question.get("forget"):
            self.calls.clear()
        return {"calls": told}

    def to(self, head: bytes, body: bytes) -> tuple[bytes, float]:
        """The answer to a request, and after how many seconds it is due."""
        target = head.split(b" ", 2)[1]
        if target.endswith(b"/.well-known/openid-configuration"):
            return _answer("200 OK", self._configuration()), 0.0
        if target.endswith(b"/oauth2/v2.0/token"):
            return self._token(body), self.delay
        found = _BEARER.search(head)
        if found is None:
            return _answer("401 Unauthorized", {"error": {"code": "InvalidAuthenticationToken", "message": ""}}), 0.0
        _, tenant, person, number, _ = found[1].decode("ascii").split(".")
        self.calls.append(Call(time.time(), "graph", person, int(number)))
        return _answer("200 OK", {"value": [{"id": "message", "subject": f"{tenant}/{person}"}]}), 0.0

    def _configuration(self) -> dict[str, Any]:
        authority = f"{self.origin}/common"
        return {
            "issuer": f"{self.origin}/{{tenantid}}/v2.0",
            "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
            "token_endpoint": f"{authority}/oauth2/v2.0/token",
            "end_session_endpoint": f"{authority}/oauth2/v2.0/logout",
            "jwks_uri": f"{authority}/discovery/v2.0/keys",
        }

    def _token(self, body: bytes) -> bytes:
        form = {name: values[0] for name, values in parse_qs(body.decode("ascii")).items()}
        kind, tenant, person, number, _ = form["refresh_token"].split(".")
        if kind != "refresh":
            return _answer("400 Bad Request", {"error": "invalid_grant", "suberror": "bad_token"})
        self.calls.append(Call(time.time(), "grant", person, int(number)))
        self._issued += 1
        answer = {
            "token_type": "Bearer",
            "scope": "openid profile offline_access User.Read Mail.Read",
            "expires_in": LIFE,
            "access_token": token("access", tenant, person, self._issued),
            "refresh_token": token("refresh", tenant, person, self._issued),
            "id_token": self._id_token(tenant, person),
        }
        return _answer("200 OK", answer)

    def _id_token(self, tenant: str, person: str) -> str:
        """Without a signature, which nobody checks on what came from the token endpoint itself."""
        now = int(time.time() + self.offset)
        claims = {
            "iss": f"{self.origin}/{tenant}/v2.0",
            "aud": CLIENT_ID,
            "ver": "2.0",
            "tid": tenant,
            "oid": person,
            "sub": f"subject-{person}",
            # Backdated as Entra does it.
            "iat": now - 300,
            "nbf": now - 300,
            "exp": now + 3600,
        }
        parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims))
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"none"))


def _answer(status: str, document: dict[str, Any]) -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("ascii") + body


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if not found or len(rest) < size:
            return
        self._received = rest[size:]
        answer, delay = self._upstream.to(head, rest[:size])
        if delay:
            asyncio.get_running_loop().call_later(delay, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    upstream = Upstream()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    first = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    tls.load_cert_chain(*server_certificate(Path(first["ca_folder"])))
    server = await loop.create_server(lambda: _Connection(upstream), "127.0.0.1", 0, ssl=tls, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    upstream.origin = f"https://localhost:{port}"
    print(json.dumps({"port": port}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(upstream.instructed(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(), loop_factory=new_loop)
