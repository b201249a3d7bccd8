"""Callbacks that come early, twice, late, damaged or from elsewhere."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.support.client import BrowserClient
from tests.support.signing_in import SESSION, begin, callback_of, is_signed_in, pending_cookies, state_of, token_calls

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App


@pytest.fixture
def browser(sandbox: Sandbox) -> BrowserClient:
    return BrowserClient(sandbox.ca_file)


def test_looking_ahead_at_a_callback_redeems_nothing(app: App, sandbox: Sandbox, browser: BrowserClient) -> None:
    url = callback_of(app, sandbox, browser)
    purposes = [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
    ]
    early = [browser.navigate(url, "cross-site", headers) for headers in purposes]
    early.append(browser.request("HEAD", url))
    for answer in early:
        assert answer.status < 500
        assert (answer.all("Set-Cookie"), answer.header("Cache-Control"), answer.body) == ([], "no-store", b"")
    assert token_calls(sandbox) == 0
    answer = browser.navigate(url, "cross-site")
    assert (answer.status, answer.location) == (303, f"{app.url}/")
    assert token_calls(sandbox) == 1
    assert is_signed_in(app, browser)


@pytest.mark.parametrize(
    ("query", "status", "code", "words"),
    [
        ("error=access_denied&error_subcode=cancel", 403, "sign_in_cancelled", ""),
        (
            "error=access_denied&error_description=AADSTS65004%3a+User+declined+to+consent.%0d%0aTrace+ID%3a+1"
            "%0d%0aCorrelation+ID%3a+2&error_uri=https%3a%2f%2flogin.microsoftonline.com%2ferror%3fcode%3d65004",
            *(403, "sign_in_cancelled", ""),
        ),
        (
            "error=access_denied&error_description=AADSTS50020%3a+User+account&admin_consent=True",
            *(403, "sign_in_cancelled", "another account"),
        ),
        ("error=consent_required&error_description=AADSTS65001%3a+x", 403, "consent_required", "administrator"),
        ("error=access_denied&error_description=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E", 403, "sign_in_cancelled", ""),
    ],
    ids=["cancelled", "declined", "admin consent refused", "administrator must agree", "markup"],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_sign_in_that_was_declined_says_so_and_offers_another(
    app: App, sandbox: Sandbox, browser: BrowserClient, query: str, status: int, code: str, words: str, accept: str
) -> None:
    state = state_of(begin(app, browser))
    answer = browser.request("GET", f"{app.url}/auth/callback?{query}&state={state}", {"Accept": accept})
    assert answer.status == status
    assert words in answer.text
    assert not any(part in answer.text for part in ("<img", "AADSTS", "onerror"))
    if accept == "text/html":
        assert f"{app.url}/auth/login" in answer.text
    else:
        assert (answer.json()["code"], answer.json()["login_url"]) == (code, f"{app.url}/auth/login?return_to=/")
    assert token_calls(sandbox) == 0
    assert (pending_cookies(app, browser), SESSION in browser.cookies(app.url)) == ([], False)


def test_cancelling_a_second_sign_in_keeps_the_session(app: App, sign_in: SignIn) -> None:
    browser = sign_in(app)
    state = state_of(begin(app, browser))
    url = f"{app.url}/auth/callback?error=access_denied&error_subcode=cancel&state={state}"
    assert browser.navigate(url, "cross-site").status == 403
    assert is_signed_in(app, browser)


def test_a_callback_that_nobody_began_calls_nobody(app: App, sandbox: Sandbox, browser: BrowserClient) -> None:
    answer = browser.navigate(f"{app.url}/auth/callback?code=good&state={secrets.token_urlsafe(32)}", "cross-site")
    assert (answer.status, answer.all("Set-Cookie")) == (400, [])
    assert f"{app.url}/auth/login" in answer.text
    assert sandbox.control.log() == []


def test_a_sign_in_that_lay_about_for_eleven_minutes_keeps_where_to_go(
    app: App, sandbox: Sandbox, browser: BrowserClient
) -> None:
    url = sandbox.control.sign_in(begin(app, browser, "/%3Fmessage%3Dabc"))
    sandbox.control.app_clock(11 * 60)
    answer = browser.request("GET", url, {"Accept": "application/json"})
    assert (answer.status, answer.json()["code"]) == (400, "sign_in_expired")
    assert parse_qs(urlsplit(answer.json()["login_url"]).query)["return_to"] == ["/?message=abc"]
    assert token_calls(sandbox) == 0


def test_a_stale_callback_leaves_a_session_alone(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    answer = browser.navigate(f"{app.url}/auth/callback?code=good&state={secrets.token_urlsafe(32)}", "cross-site")
    assert (answer.status, answer.all("Set-Cookie")) == (400, [])
    assert token_calls(sandbox) == 1
    assert is_signed_in(app, browser)


def test_a_browser_that_keeps_no_cookies_ends_at_a_page_that_names_them(
    app: App, sandbox: Sandbox, browser: BrowserClient
) -> None:
    url = callback_of(app, sandbox, browser)
    for _ in range(20):
        browser.jar.clear()
        answer = browser.navigate(url, "cross-site")
        if answer.status not in (302, 303):
            break
        url = answer.location
    assert answer.status == 400
    assert "cookie" in answer.text.lower()
    assert len(sandbox.control.log(where="authorize")) <= 2


def odd_requests(app: App, state: str, code: str) -> dict[str, tuple[str, str]]:
    """By a name: method and query of a callback that is not one."""
    return {
        "escaped ampersand": ("GET", f"code={code}&amp;state={state}"),
        "two codes": ("GET", f"code={code}&code=d&state={state}"),
        "two states": ("GET", f"code={code}&state={state}&state=t"),
        "empty code": ("GET", f"code=&state={state}"),
        "no state": ("GET", f"code={code}"),
        "code and error": ("GET", f"code={code}&error=access_denied&state={state}"),
        "form post": ("POST", ""),
        "20,000 characters": ("GET", f"code={'x' * 20000}&state={state}"),
        "no UTF-8": ("GET", "code=%ff%00&state=%ff"),
    }


ODD = ["escaped ampersand", "two codes", "two states", "empty code", "no state", "code and error", "form post"]


@pytest.mark.parametrize("kind", [*ODD, "20,000 characters", "no UTF-8"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_odd_callback_is_refused_and_the_proper_one_still_works(
    app: App, sandbox: Sandbox, browser: BrowserClient, kind: str, accept: str
) -> None:
    url = callback_of(app, sandbox, browser)
    state, code = state_of(url), parse_qs(urlsplit(url).query)["code"][0]
    method, query = odd_requests(app, state, code)[kind]
    body = f"code={quote(code)}&state={state}".encode() if method == "POST" else None
    headers = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"} if body else {"Accept": accept}
    answer = browser.request(method, f"{app.url}/auth/callback?{query}".rstrip("?"), headers, body)
    assert 400 <= answer.status < 500
    assert (answer.all("Set-Cookie"), token_calls(sandbox)) == ([], 0)
    assert code not in answer.text
    assert browser.navigate(url, "cross-site").status == 303
    assert is_signed_in(app, browser)
