"""From the worker's answer to an HTTP response.

Sources: Azure/azure-functions-host HttpBinding.cs, RawScriptResult.cs, ExceptionMiddleware.cs,
CustomHttpHeadersMiddleware.cs; dotnet/aspnetcore Kestrel Internal/Http/HttpProtocol.cs, HttpHeaders.cs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from starlette.types import Send

from dev.host.cookies import set_cookie
from dev.host.messages import RpcHttp, TypedData

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"[\t -~]*")


class ResponseInvalid(ValueError):
    """Kestrel or the host would refuse to send this; the answer becomes a 500. `str` says why."""


@dataclass(slots=True)
class Response:
    """`headers` keeps its order; names are as the app wrote them."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def from_worker(returned: TypedData | None, response: Response) -> None:
    """Fill `response` from a function's return value, in the host's order: headers, status, cookies, body.

    Raises ResponseInvalid or CookieInvalid; what was set by then stays, as it does in the host.
    """
    http = returned.value if returned is not None else None
    if not isinstance(http, RpcHttp):
        raise ResponseInvalid("the function must return an HttpResponse")
    seen = set()
    for name, value in http.headers.items():
        folded = name.lower()
        if folded not in seen:  # RawScriptResult.cs: a name that is there already wins
            seen.add(folded)
            _add(response, name, value)
    response.status = _status(http.status_code)
    for cookie in http.cookies or ():
        _add(response, "Set-Cookie", set_cookie(cookie))
    content = http.body.value if http.body is not None else b""
    response.body = content if isinstance(content, bytes) else b""
    _check_framing(response, seen)


def _add(response: Response, name: str, value: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ResponseInvalid(f"the header name {name!r} is not a token")
    if not _FIELD_VALUE.fullmatch(value):
        raise ResponseInvalid(f"the value of the header {name} has control or non-ASCII characters")
    response.headers.append((name, value))


def _status(status_code: str) -> int:
    """HttpBinding.cs TryParseStatusCode: what is no integer means 200."""
    try:
        status = int(status_code)
    except ValueError:
        return 200
    if not 200 <= status <= 599:
        raise ResponseInvalid(f"{status} is not a final status code")
    return status


def _check_framing(response: Response, names: set[str]) -> None:
    if "transfer-encoding" in names:
        raise ResponseInvalid("the app must not set Transfer-Encoding")
    if response.status in (204, 205, 304) and response.body:
        raise ResponseInvalid(f"a {response.status} has no body")
    if "content-length" in names and response.status != 304:
        promised = next(value for name, value in response.headers if name.lower() == "content-length")
        if promised != str(len(response.body)):
            raise ResponseInvalid(f"Content-Length is {promised} but the body has {len(response.body)} bytes")


class Sender:
    """Sends responses with what the server adds: framing, the custom headers of host.json, Date and Server."""

    __slots__ = ("_custom_headers", "_date", "_date_second")

    def __init__(self, custom_headers: Mapping[str, str]) -> None:
        self._custom_headers = [
            (name.lower(), name.encode("ascii"), value.encode("ascii")) for name, value in custom_headers.items()
        ]
        self._date = b""
        self._date_second = 0

    async def send(self, response: Response, send: Send, *, head: bool, http_version: str) -> None:
        """Send `response`; a HEAD request's answer loses its body (HttpProtocol.cs)."""
        names = {name.lower() for name, _ in response.headers}
        headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in response.headers]
        framed = "content-length" in names or response.status in (204, 304) or head
        if not framed and (not response.body or http_version == "1.0"):  # else uvicorn sends chunks, as Kestrel does
            headers.append((b"Content-Length", b"%d" % len(response.body)))
        for folded, name, value in self._custom_headers:
            if folded not in names:
                names.add(folded)
                headers.append((name, value))
        if "date" not in names:
            headers.append((b"Date", self._now()))
        if "server" not in names:
            headers.append((b"Server", b"Kestrel"))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def _now(self) -> bytes:
        second = int(time.time())
        if second != self._date_second:
            self._date_second = second
            self._date = formatdate(second, usegmt=True).encode("ascii")
        return self._date


def failed(response: Response) -> Response:
    """The 500 without a body that an unsendable response becomes: its headers so far stay (ExceptionMiddleware.cs),
    its framing goes.
    """
    kept = [
        (name, value) for name, value in response.headers if name.lower() not in ("content-length", "transfer-encoding")
    ]
    return Response(500, kept)
