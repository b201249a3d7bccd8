"""Requests that another site's page makes in the person's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import SignIn
    from tests.support.apps import App

SITES = ("same-origin", "same-site", "cross-site", "none", "SAME-ORIGIN", "", None)
PRIVATE = ("/auth/me", "/api/messages", "/api/messages/QQ")


def origins(app: App) -> Iterator[str | None]:
    """Values of Origin, the app's own first."""
    parts = urlsplit(app.url)
    yield app.url
    yield from (f"https://{parts.netloc}", f"{app.url}/", app.url.upper(), f"http://localhost:{(parts.port or 0) + 1}")
    yield from ("null", "https://evil.example", f"{app.url}.evil.example", f"http://127.0.0.1:{parts.port}", "", None)


def sent(site: str | None, origin: str | None) -> dict[str, str]:
    named = {"Sec-Fetch-Site": site, "Origin": origin, "Accept": "application/json"}
    return {name: value for name, value in named.items() if value is not None}


def test_only_our_own_page_signs_a_person_out(app: App, sign_in: SignIn) -> None:
    browser = sign_in(app)
    jar = dict(browser.cookies(app.url))
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar.values())
    passing = [("same-origin", origin) for origin in origins(app)] + [(None, app.url)]
    for site in SITES:
        for origin in origins(app):
            if (site, origin) in passing:
                continue
            answer = browser.request("POST", f"{app.url}/auth/logout", sent(site, origin) | {"Cookie": cookies})
            assert (answer.status, answer.json()["code"]) == (403, "cross_site"), (site, origin)
            assert answer.all("Set-Cookie") == []
    assert browser.fetch(f"{app.url}/auth/me").status == 200
    for site, origin in passing:
        assert browser.request("POST", f"{app.url}/auth/logout", sent(site, origin)).status == 200, (site, origin)


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize(
    ("mode", "destination"), [("no-cors", "image"), ("no-cors", "script"), ("cors", "empty"), ("navigate", "iframe")]
)
def test_reads_for_another_sites_page_are_refused(
    app: App, sign_in: SignIn, path: str, mode: str, destination: str
) -> None:
    browser = sign_in(app)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies(app.url).values())
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": mode,
        "Sec-Fetch-Dest": destination,
        "Origin": "https://evil.example",
        "Cookie": cookies,
    }
    answer = browser.request("GET", app.url + path, headers)
    assert answer.status == 403
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"
    assert answer.header("Access-Control-Allow-Origin") is None
    assert b"@" not in answer.body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 401),
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 401),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 401),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch"}, 204),
    ],
)
def test_only_a_page_navigation_starts_a_sign_in(app: App, headers: dict[str, str], status: int) -> None:
    answer = BrowserClient().request("GET", f"{app.url}/auth/login", headers)
    assert (answer.status, answer.all("Set-Cookie"), answer.header("Location")) == (status, [], None)


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_no_other_method_starts_a_sign_in(app: App, method: str) -> None:
    answer = BrowserClient().request(method, f"{app.url}/auth/login")
    assert (answer.status, answer.all("Set-Cookie")) == (404, [])


def test_a_session_cookie_does_not_come_along_from_another_site(app: App, sign_in: SignIn) -> None:
    browser = sign_in(app)
    assert browser.navigate(f"{app.url}/api/messages", "cross-site").status == 403
    answer = browser.request("GET", f"{app.url}/auth/me", {"Sec-Fetch-Site": "same-site"})
    assert answer.status == 200
    assert browser.cookies(app.url)["drawbridge-session"].attributes["samesite"].lower() == "strict"
