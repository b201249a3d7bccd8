"""Requests in, answers out: parameters, headers, redirects, error answers, and the cross-origin check."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import azure.functions as func

from shared import errors, pages
from shared.config import Config
from shared.cookies import Cookie, HostOnlyHeaders

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; "
    "base-uri 'none'; form-action {form_action}; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_EVERY_ANSWER = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(form_action="'self'"),
    **SAFE_HEADERS,
}
# Only our own page frames anything, a message's body: what went wrong with it must be seen there.
_FRAMED_ERROR = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
_TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_MAX_QUERY = 8192


class Response(func.HttpResponse):
    """An answer whose cookies carry no Domain. Header names keep their case; a name given twice is an error of ours."""

    def __init__(
        self,
        body: bytes | str = b"",
        status: int = 200,
        *,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
        cookies: Iterable[Cookie] = (),
    ) -> None:
        self._headers = HostOnlyHeaders()
        super().__init__(body, status_code=status, mimetype=kind)
        for name, value in (headers or {}).items():
            self._headers[name] = value
        for cookie in cookies:
            self._headers.add("Set-Cookie", cookie.header())

    @property
    def headers(self) -> HostOnlyHeaders:
        return self._headers


def json_answer(body: Any, *, cookies: Iterable[Cookie] = ()) -> Response:
    """200 with a JSON body."""
    return Response(json.dumps(body, separators=(",", ":")), cookies=cookies)


def page_answer(html: str, status: int = 200, *, cookies: Iterable[Cookie] = ()) -> Response:
    """An HTML page of ours."""
    return Response(html, status, kind="text/html", cookies=cookies)


def redirect(location: str, status: int = 303, *, cookies: Iterable[Cookie] = ()) -> Response:
    """A redirect; 303 turns whatever came before into a GET (RFC 9110 section 15.4.4)."""
    return Response(b"", status, kind="text/plain", headers={"Location": location}, cookies=cookies)


def parameters(request: func.HttpRequest, known: Collection[str] | None = None) -> dict[str, str]:
    """The query, read from the URL itself: the host drops empty values and joins repeated ones.

    Raises errors.InvalidRequest for a repeated name, for one not in `known` (None takes any), for more than 8 KiB, and
    for bytes that are not UTF-8 or are control characters.
    """
    text = request.url.partition("?")[2]
    try:
        pairs = (
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=30)
            if len(text) <= _MAX_QUERY
            else None
        )
    except ValueError:
        pairs = None
    if pairs is None or any(
        ord(character) < 32 or ord(character) == 127
        for _, value in pairs
        for character in value
        if character not in "\r\n"
    ):
        raise errors.InvalidRequest
    found = dict(pairs)
    if len(found) != len(pairs) or (known is not None and not set(found) <= set(known)):
        raise errors.InvalidRequest
    return found


def is_prefetch(request: func.HttpRequest) -> bool:
    """Whether a browser fetches ahead of a click that may never come, or only asks for headers."""
    purposes = (request.headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-moz", "x-purpose"))
    return request.method == "HEAD" or any("prefetch" in purpose or "preview" in purpose for purpose in purposes)


def is_navigation(request: func.HttpRequest) -> bool:
    """Whether a page is being opened, by Fetch Metadata; a browser too old to say so is believed."""
    mode: str = request.headers.get("sec-fetch-mode", "")
    destination: str = request.headers.get("sec-fetch-dest", "")
    return mode in ("", "navigate") and destination in ("", "document")


def wants_page(request: func.HttpRequest) -> bool:
    """Whether the answer is for a person's eyes: a navigation, or an Accept that names HTML before JSON."""
    mode: str = request.headers.get("sec-fetch-mode", "")
    if mode:
        return mode == "navigate"
    accept: str = request.headers.get("accept", "")
    html, plain = accept.find("text/html"), accept.find("json")
    return html >= 0 and (plain < 0 or html < plain)


def require_own_page(request: func.HttpRequest, config: Config) -> None:
    """Let an unsafe method through only where our own page sent it. Raises errors.CrossSite.

    Sec-Fetch-Site decides where the browser sends it; else Origin must be PUBLIC_URL's; with neither, no.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site == "same-origin":
        return
    if site is None and request.headers.get("origin") == config.public_url:
        return
    raise errors.CrossSite


def refuse_cross_site(request: func.HttpRequest) -> None:
    """Refuse reads that another site's page asks for. Raises errors.CrossSite."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise errors.CrossSite


def login_url(config: Config | None, return_to: str, *, step_up: bool = False, consent: str | None = None) -> str:
    """Where to sign in again, absolute on PUBLIC_URL.

    `step_up`: with the claims that the session's row keeps; `consent`: asking for this permission too.
    """
    origin = config.public_url if config else ""
    query = {"step_up": "1"} if step_up else {"consent": consent} if consent else {}
    query["return_to"] = return_to
    return f"{origin}/auth/login?{urlencode(query, safe='/')}"


def trace_id(request: func.HttpRequest) -> str:
    """32 hex digits that this request goes by, the caller's own where it sent a traceparent (W3C Trace Context)."""
    match = _TRACE_PARENT.fullmatch(request.headers.get("traceparent", ""))
    return match[1] if match and match[1].strip("0") else secrets.token_hex(16)


def error_answer(
    problem: errors.DrawbridgeError, request: func.HttpRequest, config: Config | None, trace: str
) -> Response:
    """An error as RFC 9457 problem details, or as a page that says the same in plain words."""
    again = None
    if problem.sign_in_again:
        again = login_url(config, problem.return_to, step_up=problem.step_up, consent=problem.consent)
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    if wants_page(request) and request.headers.get("sec-fetch-dest") == "iframe":
        framed = {**headers, "Content-Security-Policy": _FRAMED_ERROR}
        return Response(pages.framed_error_page(problem, trace), problem.status, kind="text/html", headers=framed)
    if wants_page(request):
        return Response(pages.error_page(problem, again, trace), problem.status, kind="text/html", headers=headers)
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": f"urn:trace:{trace}",
        "code": problem.code,
        "login_url": again,
        "location": problem.location,
        "graph_code": problem.graph_code,
        "request_id": problem.request_id,
    }
    known = {name: value for name, value in body.items() if value is not None}
    return Response(json.dumps(known), problem.status, kind="application/problem+json", headers=headers)


def dressed(answer: Response, config: Config | None, trace: str) -> Response:
    """The answer with what every answer carries. What a handler has set itself stays."""
    own = answer.headers
    given = {name.lower() for name, _ in own}
    for name, value in _EVERY_ANSWER.items():
        if name.lower() not in given:
            own.add(name, value)
    if config is not None and config.https:
        own.add("Strict-Transport-Security", "max-age=31536000")
    own.add("traceparent", f"00-{trace}-{secrets.token_hex(8)}-01")
    return answer
