"""GET auth/callback: the session that a sign-in begins, and the one that it ends."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.build import PUBLIC_URL
from tests.fakes.site import Browser, Site
from tests.fakes.store import UNAVAILABLE


def begun(site: Site) -> tuple[Browser, str]:
    """A browser whose person has signed in at Entra, and the callback that it has not called yet."""
    browser = site.browser()
    return browser, browser.callback(browser.login())


def test_a_callback_that_came_64_times_at_once_makes_one_session() -> None:
    site = Site()
    browser, callback = begun(site)
    site.browser().login()  # so that the client is made once, not 64 times
    with ThreadPoolExecutor(32) as pool:
        twins = [site.browser() for _ in range(64)]
        for twin in twins:
            twin.jar = dict(browser.jar)
        answers = list(pool.map(lambda twin: twin.navigate(callback), twins))
    assert {answer.status for answer in answers} == {303}
    assert len(site.store.session_rows()) == 1
    winners = [answer for answer in answers if any("session" in cookie.name for cookie in answer.cookies)]
    assert len(winners) == 1
    losers = [answer for answer in answers if answer is not winners[0]]
    assert {answer.location for answer in losers} == {PUBLIC_URL + "/"}
    assert all(cookie.is_deletion() and "sign-in" in cookie.name for answer in losers for cookie in answer.cookies)


def test_the_back_button_after_a_sign_in_leads_home_and_keeps_the_session() -> None:
    site = Site()
    browser, callback = begun(site)
    jar = dict(browser.jar)
    browser.navigate(callback)
    browser.jar |= jar
    again = browser.navigate(callback)
    assert (again.status, again.location) == (303, PUBLIC_URL + "/")
    assert browser.fetch("/auth/me").status == 200
    assert len(site.store.session_rows()) == 1


def test_a_sign_in_mints_a_new_session_and_ends_the_old() -> None:
    site = Site()
    browser = site.signed_in()
    old = browser.session
    assert browser.navigate(browser.callback(browser.login())).status == 303
    assert browser.session not in (None, old)
    assert len(site.store.session_rows()) == 1
    assert site.ask("GET", "/auth/me", {"cookie": f"{browser.session_name}={old}"}).status == 401


def test_the_old_session_ends_though_its_strict_cookie_does_not_travel_back_from_entra() -> None:
    site = Site()
    browser = site.signed_in()
    callback = browser.callback(browser.login())
    del browser.jar[browser.session_name]
    assert browser.navigate(callback, sec_fetch_site="cross-site").status == 303
    assert len(site.store.session_rows()) == 1
    assert browser.fetch("/auth/me").status == 200


def test_a_planted_session_cookie_is_never_adopted() -> None:
    site = Site()
    browser = site.browser()
    planted = "20260105." + "A" * 43
    browser.jar[browser.session_name] = planted
    assert browser.navigate(browser.callback(browser.login())).status == 303
    assert browser.session not in (None, planted)
    assert site.ask("GET", "/auth/me", {"cookie": f"{browser.session_name}={planted}"}).status == 401


def test_a_session_that_began_after_the_login_is_ended_too_where_the_callback_carries_it() -> None:
    site = Site()
    browser, callback = begun(site)
    other = site.signed_in()
    browser.jar[browser.session_name] = str(other.session)
    assert browser.navigate(callback).status == 303
    assert other.fetch("/auth/me").status == 401


def test_pending_and_session_values_are_not_interchangeable() -> None:
    site = Site()
    browser, callback = begun(site)
    ((name, pending),) = browser.pending.items()
    signed_in = site.signed_in()
    browser.jar = {name: str(signed_in.session)}
    assert browser.navigate(callback).code == "sign_in_expired"
    for stranger in (pending, name.rpartition("-")[2], f"20260108.{pending}"[:52]):
        assert site.ask("GET", "/auth/me", {"cookie": f"{browser.session_name}={stranger}"}).status == 401
    assert site.entra.grants == 1, "only the sign-in that succeeded asked for tokens"


@pytest.mark.parametrize(
    "value",
    ["", "!!", "e30", "W10", "bnVsbA", "WzEsMiwzLDRd", "WyJhIiwiYiIsIi8iXQ", "WyJhIiwiYiIsIi8iLCJ4Il0", "A" * 3000],
)
def test_a_pending_cookie_that_was_altered_is_as_good_as_none(value: str) -> None:
    site = Site()
    browser, callback = begun(site)
    browser.jar = dict.fromkeys(browser.jar, value)
    answer = browser.navigate(callback)
    assert (answer.status, answer.code) == (400, "sign_in_expired")
    assert site.entra.grants == 0


def test_a_return_address_altered_in_the_cookie_still_stays_on_this_origin() -> None:
    site = Site()
    browser, callback = begun(site)
    ((name, value),) = browser.pending.items()
    fields = json.loads(base64.urlsafe_b64decode(value + "=="))
    fields[2] = "//evil.example/"
    browser.jar = {name: base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()}
    assert browser.navigate(callback).location == PUBLIC_URL + "/"


def test_storage_that_is_away_means_no_session_and_no_cookie_but_try_again() -> None:
    site = Site()
    browser, callback = begun(site)
    site.store.script("insert", UNAVAILABLE)
    answer = browser.navigate(callback)
    assert (answer.status, answer.code) == (503, "storage_unavailable")
    assert answer.header("Retry-After") == "5"
    assert browser.session is None


def test_an_old_session_that_cannot_be_deleted_does_not_stop_the_new_one() -> None:
    site = Site()
    browser = site.signed_in()
    site.store.script("delete", UNAVAILABLE)
    assert browser.navigate(browser.callback(browser.login())).status == 303
    assert browser.fetch("/auth/me").status == 200


def test_a_tenant_that_is_not_allowed_gets_a_page_and_no_row() -> None:
    site = Site(ENTRA_ALLOWED_TENANTS="aaaaaaaa-0000-4000-8000-000000000001")
    browser, callback = begun(site)
    answer = browser.navigate(callback)
    assert (answer.status, answer.code) == (403, "account_not_allowed")
    assert answer.kind == "text/html"
    assert "prompt=select_account" in answer.text
    assert site.store.calls == []
    assert browser.session is None


def test_a_name_beyond_ascii_comes_through_to_the_last_code_point() -> None:
    name = "Zoë 𝒜𝓁𝒾 👩🏽‍🚀 محمد"
    guest = "ada_mail.example#EXT#@contoso.onmicrosoft.com"
    answer = Site().signed_in(name=name, preferred_username=guest).fetch("/auth/me")
    assert (answer.json()["name"], answer.json()["preferred_username"]) == (name, guest)
