"""GET, HEAD / and assets/{name}: the inbox page. It is a static shell; mail reaches it by its own requests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import azure.functions as func

from shared import errors, http

WEB = Path(__file__).resolve().parent.parent / "web"
_KINDS = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    kind: str
    etag: str


@cache
def _files() -> dict[str, _File]:
    """Everything in web/, read once."""
    found = {}
    for path in sorted(WEB.iterdir()):
        if path.suffix in _KINDS:
            body = path.read_bytes()
            found[path.name] = _File(body, _KINDS[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found


def inbox(request: func.HttpRequest) -> http.Response:
    """The page itself. Whether somebody is signed in, it asks auth/me."""
    return _answer(_files()["index.html"], request, cached=False)


def asset(request: func.HttpRequest) -> http.Response:
    """One file of the page, by its name. Raises errors.NotFound."""
    name = request.route_params.get("name", "")
    found = _files().get(name)
    if found is None or name == "index.html":
        raise errors.NotFound
    return _answer(found, request, cached=True)


def _answer(found: _File, request: func.HttpRequest, *, cached: bool) -> http.Response:
    """Assets may be kept but are asked for again each time; an unchanged ETag is 304 (RFC 9110 section 13.1.2)."""
    headers = {"Cache-Control": "no-cache", "ETag": found.etag} if cached else {}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if cached and found.etag in known:
        return http.Response(b"", 304, kind=found.kind, headers=headers)
    body = b"" if request.method == "HEAD" else found.body
    return http.Response(body, kind=found.kind, headers=headers)
