"""When Microsoft wants the person again: nobody is signed out, the claims arrive where they must, and mail goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.client import BrowserClient
from tests.support.rows import new_rows, session_rows
from tests.support.signing_in import SESSION, callback_of, is_signed_in, pending_cookies

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer

STEP_UP = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
POLICY = {"access_token": {"capolids": {"essential": True, "values": ["00000000-0000-0000-0000-000000000001"]}}}
LIFE = 60


def mail(app: App, browser: BrowserClient, path: str = "") -> Answer:
    return browser.fetch(f"{app.url}/api/messages{path}")


def refreshes(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The refresh grants that have reached Entra."""
    return [call for call in sandbox.control.log(where="token") if call["form"]["grant_type"] == "refresh_token"]


def wanted(answer: Answer) -> str:
    """The address at which the person is wanted."""
    assert (answer.status, answer.json()["code"]) == (401, "interaction_required")
    login_url = str(answer.json()["login_url"])
    assert parse_qs(urlsplit(login_url).query)["step_up"] == ["1"]
    return login_url


def asked(authorize_url: str) -> dict[str, Any]:
    """The query of the sign-in page's address; its claims as an object, without what we say of ourselves."""
    query: dict[str, Any] = {name: values[0] for name, values in parse_qs(urlsplit(authorize_url).query).items()}
    query["claims"] = json.loads(query["claims"])
    assert query["claims"]["access_token"].pop("xms_cc") == {"values": ["CP1"]}
    return query


def step_up(app: App, sandbox: Sandbox, browser: BrowserClient, login_url: str) -> dict[str, Any]:
    """Follow the address to Entra and back; what Entra was asked for."""
    redirect = browser.navigate(login_url)
    assert redirect.status == 302
    answer = browser.navigate(sandbox.control.sign_in(redirect.location), "cross-site")
    return_to = parse_qs(urlsplit(login_url).query)["return_to"][0]
    assert (answer.status, answer.location) == (303, app.url + return_to)
    return asked(redirect.location)


def test_a_person_steps_up_for_one_resource_while_the_rest_goes_on(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    first = mail(app, browser).json()["messages"][0]["id"]
    sandbox.control.demand_step_up("work", "graph.messages", STEP_UP)
    login_urls = {wanted(mail(app, browser)) for _ in range(5)}
    assert len(refreshes(sandbox)) == 1
    assert mail(app, browser, f"/{first}").status == 200
    assert browser.fetch(f"{app.url}/auth/me").status == 200
    (login_url,) = login_urls
    there = login_url.replace("return_to=/", f"return_to=/%3Fmessage%3D{first}")
    query = step_up(app, sandbox, browser, there)
    assert query["claims"] == STEP_UP
    assert query["login_hint"] == sandbox.control.person("work")["login_hint"]
    redeemed = json.loads(sandbox.control.log(where="token")[-1]["form"]["claims"])
    assert redeemed["access_token"]["acrs"] == STEP_UP["access_token"]["acrs"]
    assert [mail(app, browser).status, mail(app, browser, f"/{first}").status] == [200, 200]


def test_access_that_was_revoked_is_renewed_unseen_where_a_refresh_will_do(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    sandbox.control.revoke_access("work")
    assert [mail(app, browser).status for _ in range(3)] == [200] * 3
    (refresh,) = refreshes(sandbox)
    assert "nbf" in json.loads(refresh["form"]["claims"])["access_token"]


@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required"])
def test_a_policy_on_every_refresh_stops_all_routes_alike_until_the_person_has_come(
    app: App, sandbox: Sandbox, sign_in: SignIn, error: str
) -> None:
    sandbox.control.settings(expires_in=LIFE)
    browser = sign_in(app)
    sandbox.control.demand_step_up("work", "token", STEP_UP, error)
    assert mail(app, browser).status == 200
    sandbox.control.app_clock(LIFE + 1)
    login_url = wanted(mail(app, browser))
    assert {wanted(browser.fetch(f"{app.url}/auth/me")), wanted(mail(app, browser))} == {login_url}
    assert len(refreshes(sandbox)) == 1
    assert step_up(app, sandbox, browser, login_url)["claims"] == STEP_UP
    assert [mail(app, browser).status, browser.fetch(f"{app.url}/auth/me").status] == [200, 200]
    sandbox.control.app_clock(2 * LIFE + 1)
    assert mail(app, browser).status == 200
    assert len(refreshes(sandbox)) == 2


def test_claims_too_long_for_a_cookie_satisfy_entra_all_the_same(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    claims = {"access_token": {"capolids": {"essential": True, "values": [f"{number:036}" for number in range(100)]}}}
    sandbox.control.demand_step_up("work", "graph", claims)
    assert step_up(app, sandbox, browser, wanted(mail(app, browser)))["claims"] == claims
    assert mail(app, browser).status == 200


def test_a_person_who_declines_to_step_up_is_as_signed_in_as_before(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    sandbox.control.demand_step_up("work", "graph.messages")
    login_url = wanted(mail(app, browser))
    state = asked(browser.navigate(login_url).location)["state"]
    answer = browser.navigate(f"{app.url}/auth/callback?error=access_denied&state={state}", "cross-site")
    assert answer.status == 403
    assert pending_cookies(app, browser) == []
    assert is_signed_in(app, browser)
    assert wanted(mail(app, browser)) == login_url


def test_tokens_of_work_accounts_live_for_most_of_a_day_since_they_can_be_revoked(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    work, personal = sign_in(app), sign_in(app, "personal")
    sandbox.control.app_clock(19 * 3600)
    assert mail(app, work).status == 200
    assert refreshes(sandbox) == []
    sandbox.control.clock(19 * 3600)
    assert mail(app, personal).status == 200
    assert [call["person"] for call in refreshes(sandbox)] == ["personal"]


@pytest.mark.parametrize(
    ("error", "suberror"),
    [
        ("interaction_required", "token_expired"),
        ("login_required", "token_expired"),
        ("consent_required", "token_expired"),
        ("invalid_grant", "consent_required"),
    ],
)
def test_a_sign_in_policy_that_ran_out_is_asked_about_once_and_answered_by_a_sign_in(
    app: App, sandbox: Sandbox, sign_in: SignIn, error: str, suberror: str
) -> None:
    sandbox.control.settings(expires_in=LIFE)
    browser = sign_in(app)
    sandbox.control.app_clock(LIFE + 1)
    body = {
        "error": error,
        "error_description": "AADSTS70043: The refresh token has expired due to sign-in frequency checks.\r\nTrace: 1",
        "error_codes": [70043],
        "suberror": suberror,
        "correlation_id": "2",
        "claims": json.dumps(POLICY),
    }
    fault = sandbox.control.fault(
        "token", {"status": 400, "body": body}, times=None, match={"grant_type": "refresh_token"}
    )
    answers = [mail(app, browser) for _ in range(11)] + [browser.fetch(f"{app.url}/auth/me")]
    (login_url,) = {wanted(answer) for answer in answers}
    assert len(refreshes(sandbox)) == 1
    assert not any(word in answer.text for answer in answers for word in ("AADSTS", "70043", "capolids"))
    sandbox.control.remove_fault(fault)
    assert step_up(app, sandbox, browser, login_url)["claims"] == POLICY
    assert mail(app, browser).status == 200


TOO_MANY = {"status": 429, "headers": {"Content-Type": "text/plain", "Retry-After": "3"}, "body": "Too Many Requests"}


def test_throttling_in_plain_text_is_a_short_pause_and_then_one_refresh(
    own_apps: Apps, sandbox: Sandbox, sign_in: SignIn
) -> None:
    app = own_apps.start()
    sandbox.control.settings(expires_in=LIFE)
    browser = sign_in(app)
    sandbox.control.app_clock(LIFE + 1)
    fault = sandbox.control.fault("token", TOO_MANY, times=None)
    answer = mail(app, browser)
    assert (answer.status, answer.json()["code"], "login_url" in answer.json()) == (503, "entra_unavailable", False)
    assert 3 <= int(answer.header("Retry-After") or 0) <= 4
    assert is_signed_in(app, browser)
    sandbox.control.remove_fault(fault)
    sandbox.control.app_clock(LIFE + 5)
    assert mail(app, browser).status == 200
    assert [call["status"] for call in refreshes(sandbox)] == [429, 200]


def test_a_throttled_code_is_a_page_that_asks_to_try_again_and_trying_again_works(
    own_apps: Apps, sandbox: Sandbox
) -> None:
    app, browser = own_apps.start(), BrowserClient()
    callback = callback_of(app, sandbox, browser)
    fault = sandbox.control.fault("token", TOO_MANY, times=None)
    page = browser.navigate(callback, "cross-site")
    assert (page.status, "<h1>" in page.text, "Too Many" in page.text) == (503, True, False)
    assert SESSION not in browser.cookies(app.url)
    sandbox.control.remove_fault(fault)
    sandbox.control.app_clock(4)
    assert browser.navigate(callback_of(app, sandbox, browser), "cross-site").status == 303
    assert mail(app, browser).status == 200


def test_throttling_costs_nobody_anything_while_the_old_token_lives(
    own_apps: Apps, sandbox: Sandbox, sign_in: SignIn
) -> None:
    app = own_apps.start()
    sandbox.control.settings(expires_in=600)
    browser = sign_in(app)
    sandbox.control.fault("token", TOO_MANY, times=None)
    for left in (120, 60, 15):
        sandbox.control.app_clock(590 - left)
        assert mail(app, browser).status == 200
    assert {call["status"] for call in refreshes(sandbox)} <= {429}
    assert is_signed_in(app, browser)


@pytest.mark.parametrize("number", [7000222, 7000215])
def test_an_expired_secret_of_the_app_signs_none_of_twenty_people_out(
    own_apps: Apps, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn, number: int
) -> None:
    app = own_apps.start()
    before = session_rows(azurite)
    sandbox.control.settings(expires_in=LIFE)
    for person in range(20):
        sandbox.control.person(f"clerk-{person}")
    browsers = [sign_in(app, f"clerk-{person}") for person in range(20)]
    rows = new_rows(azurite, before)
    assert len(rows) == 20
    sandbox.control.app_clock(LIFE + 1)
    text = f"AADSTS{number}: The provided client secret keys for app '{app.settings['ENTRA_CLIENT_ID']}' are expired."
    body = {"error": "invalid_client", "error_description": text, "error_codes": [number]}
    fault = sandbox.control.fault("token", {"status": 401, "body": body}, times=None)
    for answer in [mail(app, browser) for browser in browsers]:
        assert (answer.status, answer.json()["code"]) == (503, "app_registration_refused")
        assert "login_url" not in answer.json()
    newcomer = BrowserClient()
    page = newcomer.navigate(callback_of(app, sandbox, newcomer), "cross-site")
    assert (page.status, SESSION in newcomer.cookies(app.url)) == (503, False)
    assert new_rows(azurite, before).keys() == rows.keys()
    assert any(str(number) in line and "renew the client secret" in line for line in app.log.splitlines())
    assert app.settings["ENTRA_CLIENT_SECRET"] not in app.log
    sandbox.control.remove_fault(fault)
    assert [mail(app, browser).status for browser in browsers] == [200] * 20
    assert len(refreshes(sandbox)) <= 40
