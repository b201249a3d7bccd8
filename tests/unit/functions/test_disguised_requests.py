"""What a caller writes into headers about host, scheme and person counts for nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.fakes.site import NAVIGATION, Seen, Site

HOSTILE_HEADERS = {
    "host": "evil.example",
    "forwarded": "for=1.2.3.4;host=evil.example;proto=http",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "81",
    "x-forwarded-for": "127.0.0.1",
    "x-original-url": "/auth/me",
    "x-rewrite-url": "/auth/me",
    "x-original-host": "evil.example",
    "x-ms-client-principal": "eyJvaWQiOiJldmlsIn0=",
    "x-ms-client-principal-id": "evil",
    "x-ms-client-principal-name": "evil@evil.example",
    "x-ms-token-aad-access-token": "evil",
    "disguised-host": "evil.example",
    "user-agent": "AlwaysOn",
}


def comparable(answer: Seen) -> tuple[Any, ...]:
    """What must be equal whatever the headers: all but what is drawn anew for each answer."""
    headers = sorted((name, value) for name, value in answer.headers if name not in ("traceparent", "Set-Cookie"))
    shown = []
    for name, value in headers:
        if name == "Location":
            drawn = ("state", "nonce", "code_challenge")
            fixed = sorted((key, text) for key, text in parse_qsl(urlsplit(value).query) if key not in drawn)
            shown.append((name, value.partition("?")[0], fixed))
        else:
            shown.append((name, value, []))
    body = re.sub(rb"[0-9a-f]{32}", b"trace", answer.body)
    return answer.status, answer.kind, shown, body


@pytest.mark.parametrize("name", HOSTILE_HEADERS)
@pytest.mark.parametrize("target", ["/auth/login", "/auth/me", "/api/messages", "/health/live", "/", "/auth/logout"])
def test_request_headers_never_change_urls_or_identity(name: str, target: str) -> None:
    site = Site()
    plain = site.ask("GET", target, NAVIGATION)
    disguised = site.ask("GET", target, {**NAVIGATION, name: HOSTILE_HEADERS[name]})
    assert comparable(disguised) == comparable(plain)


@pytest.mark.parametrize("name", HOSTILE_HEADERS)
def test_request_headers_never_change_who_is_signed_in(name: str) -> None:
    browser = Site().signed_in()
    assert browser.fetch("/auth/me", **{name.replace("-", "_"): HOSTILE_HEADERS[name]}).json()["name"] == "Ada Lovelace"
