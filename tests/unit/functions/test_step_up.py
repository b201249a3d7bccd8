"""GET auth/login?step_up=1: the claims that a session waits for come from its row, and go where the sign-in goes."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from shared.session_rows import Challenge
from tests.fakes.site import Browser, Site
from tests.fakes.store import UNAVAILABLE

CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
CAPABILITY = {"access_token": {"xms_cc": {"values": ["CP1"]}}}


def challenged(site: Site, claims: str = CLAIMS, *, blocking: bool = False) -> Browser:
    """A browser whose session waits for the person."""
    browser = site.signed_in()
    session = site.world.session(browser.session or "")
    site.services.sessions.set_challenge(session, Challenge(claims, blocking), site.world.deadline())
    return browser


def asked(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.mark.parametrize("blocking", [True, False])
def test_the_claims_of_the_row_go_to_entra_with_a_hint_of_the_account(blocking: bool) -> None:
    browser = challenged(Site(), blocking=blocking)
    query = asked(browser.login("?step_up=1&return_to=/"))
    assert json.loads(query["claims"])["access_token"]["acrs"] == {"essential": True, "value": "c1"}
    assert query["login_hint"] == "hint-of-ada"


def test_an_account_without_a_hint_of_its_own_is_hinted_by_its_name_and_one_without_name_not_at_all() -> None:
    for claims, hint in (({}, "ada@contoso.example"), ({"preferred_username": None}, None)):
        site = Site()
        site.entra.claims = {"login_hint": None, **claims}
        assert asked(challenged(site).login("?step_up=1")).get("login_hint") == hint


def test_a_person_who_wants_another_account_is_not_held_to_the_old_one() -> None:
    browser = challenged(Site())
    assert "login_hint" not in asked(browser.login("?step_up=1&prompt=select_account"))
    assert asked(browser.login("?step_up=1&login_hint=bob@contoso.example"))["login_hint"] == "bob@contoso.example"


def test_the_claims_go_with_the_code_and_the_person_lands_where_the_login_url_said() -> None:
    site = Site()
    browser = challenged(site)
    old = browser.session
    answer = browser.navigate(browser.callback(browser.login("?step_up=1&return_to=/inbox%3Fa%3Db")))
    assert (answer.status, urlsplit(answer.location).path, urlsplit(answer.location).query) == (303, "/inbox", "a=b")
    claims = json.loads(site.network.sent(site.entra.token_endpoint)[-1].form["claims"])
    assert claims["access_token"] == {"acrs": {"essential": True, "value": "c1"}, "xms_cc": {"values": ["CP1"]}}
    assert browser.session != old
    assert len(site.store.session_rows()) == 1, "the session that waited is replaced"


def test_claims_too_long_for_a_cookie_still_reach_the_sign_in_page() -> None:
    site = Site()
    long = json.dumps({"access_token": {"capolids": {"values": ["c" * 36] * 40}}}, separators=(",", ":"))
    browser = challenged(site, long)
    address = browser.login("?step_up=1")
    assert json.loads(asked(address)["claims"])["access_token"]["capolids"]["values"] == ["c" * 36] * 40
    assert all(len(value) < 1200 for value in browser.pending.values())
    assert browser.navigate(browser.callback(address)).status == 303
    assert json.loads(site.network.sent(site.entra.token_endpoint)[-1].form["claims"]) == CAPABILITY


def test_fifty_step_ups_in_one_browser_leave_five_small_cookies_of_which_the_newest_works() -> None:
    site = Site()
    longest = json.dumps({"access_token": {"acrs": {"values": ["c" * 359]}}}, separators=(",", ":"))
    assert len(longest) == 400
    browser = challenged(site, longest)
    for _ in range(50):
        answer = browser.navigate("/auth/login?step_up=1&return_to=/" + "a" * 255)
        assert len(browser.pending) <= 5
        assert all(len(cookie.name) + len(cookie.value) < 1150 for cookie in answer.cookies)
        site.clock.advance(1)
    assert len(browser.pending) == 5
    landed = browser.navigate(browser.callback(answer.location))
    assert (landed.status, urlsplit(landed.location).path) == (303, "/" + "a" * 255)
    assert json.loads(site.network.sent(site.entra.token_endpoint)[-1].form["claims"])["access_token"]["acrs"]


@pytest.mark.parametrize("query", ["", "?step_up="])
def test_without_step_up_the_row_is_not_even_read(query: str) -> None:
    site = Site()
    browser = challenged(site)
    site.store.script("read", *[UNAVAILABLE] * 9)
    assert json.loads(asked(browser.login(query))["claims"]) == CAPABILITY


def test_a_step_up_while_storage_is_away_is_an_honest_503_that_changes_nothing() -> None:
    site = Site()
    browser = challenged(site)
    site.store.script("read", *[UNAVAILABLE] * 9)
    answer = browser.navigate("/auth/login?step_up=1")
    assert (answer.status, answer.code) == (503, "storage_unavailable")
    assert answer.header("Retry-After")
    assert answer.cookies == []


@pytest.mark.parametrize("challenge", [None, Challenge("", True)])
def test_where_nothing_in_particular_is_demanded_a_step_up_is_a_plain_sign_in(challenge: Challenge | None) -> None:
    site = Site()
    browser = site.signed_in()
    session = site.world.session(browser.session or "")
    if challenge is not None:
        site.services.sessions.set_challenge(session, challenge, site.world.deadline())
    query = asked(browser.login("?step_up=1"))
    assert (json.loads(query["claims"]), query["login_hint"]) == (CAPABILITY, "hint-of-ada")


def test_a_step_up_without_a_session_is_a_plain_sign_in() -> None:
    query = asked(Site().browser().login("?step_up=1"))
    assert json.loads(query["claims"]) == CAPABILITY
    assert "login_hint" not in query


def test_claims_are_never_taken_from_the_query() -> None:
    answer = challenged(Site()).navigate("/auth/login?step_up=1&claims=" + quote(CLAIMS))
    assert (answer.status, answer.code) == (400, "invalid_request")
