"""Callbacks that come early, twice, late, damaged or from elsewhere."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.support.at_once import at_once
from tests.support.client import BrowserClient, Cookie
from tests.support.rows import Rows, new_rows, session_rows

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import Answer

SESSION = "drawbridge-session"


def begin(app: App, browser: BrowserClient, return_to: str = "/") -> str:
    """Start a sign-in; the address of Entra's page."""
    answer = browser.navigate(f"{app.url}/auth/login?return_to={return_to}")
    assert answer.status == 302
    return answer.location


def callback_of(app: App, sandbox: Sandbox, browser: BrowserClient, person: str = "work") -> str:
    """Start a sign-in and accept at Entra; the callback that nobody has followed yet."""
    return sandbox.control.sign_in(begin(app, browser), person)


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def token_calls(sandbox: Sandbox) -> int:
    return len(sandbox.control.log(where="token"))


def pending_cookies(app: App, browser: BrowserClient) -> list[str]:
    return [name for name in browser.cookies(app.url) if name.startswith("drawbridge-sign-in-")]


def is_signed_in(app: App, browser: BrowserClient) -> bool:
    return browser.fetch(f"{app.url}/auth/me").status == 200


@pytest.fixture
def rows_before(app: App, azurite: Azurite) -> Rows:
    return session_rows(azurite)


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


def test_a_callback_submitted_sixty_four_times_makes_one_session(
    app: App, azurite: Azurite, sandbox: Sandbox, browser: BrowserClient, rows_before: Rows
) -> None:
    url = callback_of(app, sandbox, browser)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies(app.url).values())
    clients = [BrowserClient(sandbox.ca_file) for _ in range(64)]

    def submit() -> Answer:
        return clients.pop().request("GET", url, {"Accept": "text/html", "Cookie": cookies})

    answers = at_once(64, submit)
    assert {answer.status for answer in answers} == {303}
    assert {answer.location for answer in answers} == {f"{app.url}/"}
    with_session = [line for answer in answers for line in answer.all("Set-Cookie") if line.startswith(SESSION)]
    assert len(with_session) == 1
    assert len(new_rows(azurite, rows_before)) == 1


def test_going_back_to_the_callback_keeps_the_session(app: App, sandbox: Sandbox, browser: BrowserClient) -> None:
    url = callback_of(app, sandbox, browser)
    kept = dict(browser.cookies(app.url))
    assert browser.navigate(url, "cross-site").status == 303
    browser.cookies(app.url).update(kept)
    assert browser.navigate(url, "cross-site").location == f"{app.url}/"
    assert is_signed_in(app, browser)


def test_another_browsers_callback_is_refused(
    app: App, azurite: Azurite, sandbox: Sandbox, browser: BrowserClient, rows_before: Rows
) -> None:
    attackers = callback_of(app, sandbox, BrowserClient(), "personal")
    callback_of(app, sandbox, browser)
    answer = browser.navigate(attackers, "cross-site")
    assert (answer.status, answer.all("Set-Cookie")) == (400, [])
    assert SESSION not in browser.cookies(app.url)
    assert token_calls(sandbox) == 0
    assert new_rows(azurite, rows_before) == {}


def test_an_injected_code_is_useless(
    app: App, azurite: Azurite, sandbox: Sandbox, browser: BrowserClient, rows_before: Rows
) -> None:
    victims = callback_of(app, sandbox, BrowserClient())
    stolen = parse_qs(urlsplit(victims).query)["code"][0]
    own = state_of(begin(app, browser))
    answer = browser.navigate(f"{app.url}/auth/callback?code={quote(stolen)}&state={own}", "cross-site")
    assert answer.status == 400
    assert SESSION not in browser.cookies(app.url)
    assert pending_cookies(app, browser) == []
    assert new_rows(azurite, rows_before) == {}


@pytest.mark.parametrize(
    "action",
    [
        {"id_token": {"nonce": "0" * 64}},
        {"id_token": {"nonce": None}},
        {"change": {"id_token": None}},
        {"change": {"id_token": ""}},
        {"change": {"id_token": "eyJhbGciOiJub25lIn0.e30."}},
        {"id_token": {"aud": "22222222-2222-4222-8222-222222222222"}},
        {"id_token": {"iss": "https://evil.example/v2.0"}},
        {"id_token": {"tid": "7d3f4c1e-2b8a-4f6d-9c05-000000000000"}},
        {"id_token": {"oid": ["a"]}},
        {"id_token": {"sub": None}},
    ],
    ids=[
        *("wrong nonce", "no nonce", "no id_token", "empty id_token", "unsigned empty id_token"),
        *("foreign audience", "foreign issuer", "issuer of another tenant", "oid is a list", "no sub"),
    ],
)
def test_an_answer_that_does_not_prove_who_signed_in_starts_nothing(
    app: App,
    azurite: Azurite,
    sandbox: Sandbox,
    browser: BrowserClient,
    rows_before: Rows,
    action: dict[str, dict[str, object]],
) -> None:
    url = callback_of(app, sandbox, browser)
    sandbox.control.fault("token", action)
    answer = browser.request("GET", url, {"Accept": "application/json"})
    assert (answer.status, answer.json()["code"]) in [(400, "sign_in_refused"), (502, "entra_bad_answer")]
    assert SESSION not in browser.cookies(app.url)
    assert new_rows(azurite, rows_before) == {}
    assert sandbox.control.log(where="graph") == []


def test_a_planted_session_cookie_is_not_taken_over(app: App, sandbox: Sandbox, browser: BrowserClient) -> None:
    planted = f"20270101.{secrets.token_urlsafe(32)}"
    browser.cookies(app.url)[SESSION] = Cookie(SESSION, planted)
    browser.navigate(callback_of(app, sandbox, browser), "cross-site")
    assert browser.cookies(app.url)[SESSION].value != planted
    assert is_signed_in(app, browser)
    stranger = BrowserClient()
    stranger.cookies(app.url)[SESSION] = Cookie(SESSION, planted)
    assert not is_signed_in(app, stranger)


def test_signing_in_again_ends_the_session_before(
    app: App, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn, rows_before: Rows
) -> None:
    browser = sign_in(app)
    old = browser.cookies(app.url)[SESSION]
    (old_row,) = new_rows(azurite, rows_before)
    sign_in(app, "personal", browser)
    new = browser.cookies(app.url)[SESSION]
    assert new.value != old.value
    assert browser.fetch(f"{app.url}/auth/me").json()["name"] == "Inés Okafor"
    rows = new_rows(azurite, rows_before)
    assert (len(rows), old_row in rows) == (1, False)
    browser.cookies(app.url)[SESSION] = old
    assert not is_signed_in(app, browser)
    browser.cookies(app.url)[SESSION] = new
    assert is_signed_in(app, browser)


def test_five_tabs_sign_in_at_once_and_end_in_any_order(app: App, sandbox: Sandbox, browser: BrowserClient) -> None:
    urls = [callback_of(app, sandbox, browser) for _ in range(5)]
    assert len(pending_cookies(app, browser)) == 5
    for url in reversed(urls):
        assert browser.navigate(url, "cross-site").status == 303
    assert is_signed_in(app, browser)
    assert pending_cookies(app, browser) == []
