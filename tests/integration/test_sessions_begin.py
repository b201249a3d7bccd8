"""How sessions begin: once per callback, for its own browser, on proof, and under a new secret."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.support.at_once import at_once
from tests.support.client import BrowserClient, Cookie
from tests.support.rows import Rows, new_rows, session_rows
from tests.support.signing_in import SESSION, begin, callback_of, is_signed_in, pending_cookies, state_of, token_calls

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import Answer


@pytest.fixture
def rows_before(app: App, azurite: Azurite) -> Rows:
    return session_rows(azurite)


@pytest.fixture
def browser(sandbox: Sandbox) -> BrowserClient:
    return BrowserClient(sandbox.ca_file)


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
