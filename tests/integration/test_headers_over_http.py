"""What every response carries, whatever its route and status; and what no request header can change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.client import BrowserClient
from tests.support.signing_in import begin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer
    from tests.support.storage_proxy import StorageProxy

PAGE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ROUTES = [
    *("/", "/assets/page.js", "/assets/none.js", "/auth/login", "/auth/callback", "/auth/me", "/auth/logout"),
    *("/api/messages", "/api/messages/x", "/health/live", "/health/ready"),
]
HOSTS_OWN = ["/nowhere", "/api/none/none", "/assets/a/b", "/admin"]
METHODS = ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}
EVIL_HEADERS = {
    "Forwarded": "host=evil.example;proto=http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "81",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "/health/live",
    "X-Rewrite-URL": "/health/live",
    "X-Original-Host": "evil.example",
    "X-MS-CLIENT-PRINCIPAL": "eyJ1c2VySWQiOiJhIn0=",
    "X-MS-CLIENT-PRINCIPAL-ID": "00000000-0000-0000-0000-000000000001",
    "X-MS-CLIENT-PRINCIPAL-NAME": "root@example.org",
    "X-MS-TOKEN-AAD-ACCESS-TOKEN": "x",
    "Authorization": "Bearer x",
    "User-Agent": "kube-probe/1.31",
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "DELETE",
    "X-Method-Override": "POST",
}


def policy(answer: Answer) -> dict[str, str]:
    """Content-Security-Policy by directive."""
    text = answer.header("Content-Security-Policy") or ""
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


def check(answer: Answer, *, https: bool, cached: bool = False, form_action: str = "'self'") -> None:
    """Everything that a response of the app itself must carry."""
    for name, value in ALWAYS.items():
        assert answer.header(name) == value, (answer.url, answer.status, name)
    assert policy(answer) == PAGE_POLICY | {"form-action": form_action}, (answer.url, answer.status)
    assert answer.header("Cache-Control") == ("no-cache" if cached else "no-store")
    assert answer.header("Strict-Transport-Security") == ("max-age=31536000" if https else None)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", answer.header("traceparent") or "")
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
    assert answer.header("Server") is None or "python" not in (answer.header("Server") or "").lower()
    assert answer.header("X-Powered-By") is None


def is_cached(answer: Answer) -> bool:
    return urlsplit(answer.url).path == "/assets/page.js"


def form_action(answer: Answer, https: bool) -> str:
    confirmation = urlsplit(answer.url).path == "/auth/logout" and answer.status == 200 and b"<form" in answer.body
    return ("'self' https:" if https else "'self' https: http:") if confirmation else "'self'"


@pytest.mark.parametrize("https", [False, True], ids=["http", "https"])
def test_every_response_carries_the_headers(apps: Apps, sandbox: Sandbox, sign_in: SignIn, https: bool) -> None:
    app = apps.get(https=https)
    signed_in, stranger = sign_in(app), BrowserClient(sandbox.ca_file)
    statuses = set()
    ahead = NAVIGATION | {"Sec-Purpose": "prefetch"}
    for browser in (signed_in, stranger):
        for headers in (NAVIGATION, FETCH, FETCH | {"Sec-Fetch-Site": "cross-site"}, ahead, {}):
            for path in [*ROUTES, "/api/messages?top=x", "/auth/me?x=1", "/auth/callback?error=access_denied&state=s"]:
                answer = browser.request("GET", app.url + path, headers)
                check(answer, https=https, cached=is_cached(answer), form_action=form_action(answer, https))
                statuses.add(answer.status)
        for path in ("/", "/health/live", "/health/ready", "/assets/page.js", "/auth/callback"):
            answer = browser.request("HEAD", app.url + path)
            check(answer, https=https, cached=is_cached(answer))
            assert answer.body == b""
    for headers in ({}, FETCH | {"Accept": "application/json"}, NAVIGATION | {"Sec-Fetch-Site": "same-origin"}):
        answer = stranger.request("POST", f"{app.url}/auth/logout", headers)
        check(answer, https=https)
        statuses.add(answer.status)
    assert {200, 204, 302, 303, 400, 401, 403, 404} <= statuses


def test_faults_of_others_carry_the_headers_too(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    seen = set()
    for action in (
        {"status": 429, "headers": {"Retry-After": "7"}},
        {"status": 400},
        {"status": 200, "body": "<html>"},
        {"status": 503, "headers": {"Retry-After": "7"}},
        {"status": 504},
    ):
        for accept in ("application/json", "text/html"):
            sandbox.control.fault("graph", action)
            answer = browser.request("GET", f"{app.url}/api/messages", {"Accept": accept})
            check(answer, https=False)
            seen.add(answer.status)
    assert seen == {429, 502, 503, 504}


def test_what_graph_and_entra_send_as_headers_stays_with_us(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    hostile = {
        "Set-Cookie": "drawbridge-session=x; Path=/",
        "Location": "https://evil.example/",
        "Refresh": "0;url=https://evil.example/",
        "Content-Security-Policy": "default-src *",
        "Access-Control-Allow-Origin": "*",
        "Content-Type": "text/html",
        "Clear-Site-Data": '"cookies"',
    }
    for status in (200, 404, 500):
        sandbox.control.fault("graph", {"status": status, "headers": hostile, "body": '{"value":[]}'})
        answer = browser.fetch(f"{app.url}/api/messages")
        check(answer, https=False)
        for name in ("Set-Cookie", "Location", "Refresh", "Clear-Site-Data"):
            assert answer.all(name) == []
        assert "json" in (answer.header("Content-Type") or "")


@pytest.mark.parametrize("method", METHODS)
def test_the_hosts_own_answers_are_safe_and_name_no_other_origin(app: App, sign_in: SignIn, method: str) -> None:
    browser = sign_in(app)
    for path in [*ROUTES, *HOSTS_OWN]:
        if (method, path) == ("PATCH", "/api/messages/x"):
            continue  # ours: it marks a message
        preflight = {
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-a",
        }
        answer = browser.request(method, app.url + path, preflight)
        # The host answers "/" itself where no function takes the method (HomepageMiddleware, homepage disabled).
        assert answer.status == (204 if path == "/" else 404), (method, path)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
        for name, value in ALWAYS.items():
            assert answer.header(name) == value, (method, path, name)
        assert answer.header("Cache-Control") == "no-store"
        assert policy(answer)["default-src"] == "'none'"
        assert answer.body == b""


def test_nothing_but_assets_may_be_kept_and_assets_know_no_cookies(app: App, sign_in: SignIn) -> None:
    browser = sign_in(app)
    answer = browser.fetch(f"{app.url}/assets/page.js")
    again = browser.fetch(f"{app.url}/assets/page.js", headers={"If-None-Match": answer.header("ETag") or ""})
    assert (again.status, again.body) == (304, b"")
    check(again, https=False, cached=True)
    assert answer.all("Set-Cookie") == []
    assert all(line.header("Cache-Control") == "no-store" for line in browser.seen if "/assets/" not in line.url)


def without_accidents(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer without what differs each time: date, trace, cursor, state, nonce."""
    kept = [(name, value) for name, value in answer.headers if name.lower() not in ("date", "traceparent")]
    text = re.sub(rb'[0-9a-f]{32}|"next":"[^"]+"', b"", answer.body)
    drawn = r"(state|nonce|code_challenge|client_request_id)=[^&]+|sign-in-[0-9]+-[A-Za-z0-9_-]+=[A-Za-z0-9_-]*"
    return answer.status, [(name, re.sub(drawn, "", value)) for name, value in kept], text


def pairs(evil: Mapping[str, str]) -> list[dict[str, str]]:
    return [*({name: value} for name, value in evil.items()), dict(evil)]


@pytest.mark.parametrize("path", ROUTES)
def test_request_headers_change_neither_addresses_nor_identity(app: App, sign_in: SignIn, path: str) -> None:
    browser = sign_in(app)
    stranger = BrowserClient()
    for client in (browser, stranger):
        jar = dict(client.cookies(app.url))
        for base in (NAVIGATION, FETCH):
            usual = without_accidents(client.request("GET", app.url + path, base))
            for extra in pairs(EVIL_HEADERS):
                client.jar["localhost"] = dict(jar)
                answer = client.request("GET", app.url + path, base | extra)
                assert without_accidents(answer) == usual, extra
                assert b"evil" not in answer.body


def test_the_host_header_reaches_no_address(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    evil = {"Host": "evil.example", "Origin": app.url}
    login = browser.request("GET", f"{app.url}/auth/login", NAVIGATION | evil)
    assert parse_qs(urlsplit(login.location).query)["redirect_uri"] == [f"{app.url}/auth/callback"]
    back = browser.request("GET", sandbox.control.sign_in(login.location), NAVIGATION | evil)
    assert (back.status, back.header("Location")) == (303, f"{app.url}/")
    me = browser.request("GET", f"{app.url}/auth/me", FETCH | evil)
    assert me.json()["public_url"] == app.url
    refused = BrowserClient().request("GET", f"{app.url}/api/messages", FETCH | evil)
    assert refused.json()["login_url"] == f"{app.url}/auth/login?return_to=/"
    out = browser.request("POST", f"{app.url}/auth/logout", evil | {"Accept": "application/json"})
    assert parse_qs(urlsplit(out.json()["location"]).query)["post_logout_redirect_uri"] == [f"{app.url}/"]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_cannot_be_tunnelled(app: App, sign_in: SignIn, name: str) -> None:
    browser = sign_in(app)
    for path in ("/auth/logout", "/auth/logout?_method=POST", "/auth/me", "/api/messages"):
        browser.fetch(app.url + path, headers={name: "POST"})
    assert browser.fetch(f"{app.url}/auth/logout", "PUT", headers={name: "POST"}).status == 404
    assert browser.fetch(f"{app.url}/auth/me").status == 200


def test_login_needs_neither_storage_nor_a_visit_to_entra(
    own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox
) -> None:
    app = own_apps.get(SESSION_STORE=proxy.connection_string)
    browser = BrowserClient()
    begin(app, browser)
    proxy.heal()
    before = sandbox.control.stats()["calls"].get("discovery", 0)
    states = {parse_qs(urlsplit(begin(app, browser)).query)["state"][0] for _ in range(200)}
    assert len(states) == 200
    assert proxy.seen == []
    calls = sandbox.control.stats()["calls"]
    assert (calls.get("discovery", 0), calls.get("token", 0)) == (before, 0)
