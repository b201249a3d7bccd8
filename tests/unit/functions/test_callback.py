"""GET auth/callback: who may finish a sign-in, what it begins and ends, and what odd requests get."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from tests.fakes.build import PUBLIC_URL
from tests.fakes.site import Browser, Seen, Site

STATE = "s" * 22


def begun(site: Site, query: str = "") -> tuple[Browser, str]:
    """A browser whose person has signed in at Entra, and the callback that it has not called yet."""
    browser = site.browser()
    return browser, browser.callback(browser.login(query))


def code_of(callback: str) -> str:
    return callback.partition("code=")[2].partition("&")[0]


def state_of(callback: str) -> str:
    return callback.partition("state=")[2]


def grants(site: Site) -> int:
    return len(site.network.sent(site.entra.token_endpoint))


def refused_untouched(site: Site, answer: Seen, code: str, status: int = 400) -> None:
    """The answer is that error; nobody was called, nothing was written, no session began."""
    assert (answer.status, answer.code) == (status, code)
    assert grants(site) == 0
    assert site.store.calls == []
    assert not any("session" in cookie.name for cookie in answer.cookies)


def test_a_sign_in_leads_to_where_the_person_wanted_to_go_with_a_strict_session_cookie() -> None:
    site = Site()
    browser, callback = begun(site, "?return_to=/%3Fmessage%3Dabc")
    answer = browser.navigate(callback, sec_fetch_site="cross-site")
    assert (answer.status, answer.location) == (303, f"{PUBLIC_URL}/?message=abc")
    ended, session = answer.cookies
    assert ended.is_deletion()
    assert session.attributes == {"path": "/", "secure": "", "httponly": "", "samesite": "Strict"}
    assert session.name == "__Host-Http-session"
    assert browser.pending == {}
    assert browser.fetch("/auth/me").status == 200


@pytest.mark.parametrize(
    "early",
    [
        {"sec_purpose": "prefetch"},
        {"sec_purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x_moz": "prefetch"},
        {"method": "HEAD"},
    ],
)
def test_a_callback_fetched_ahead_of_the_person_redeems_nothing(early: dict[str, str]) -> None:
    site = Site()
    browser, callback = begun(site)
    answer = browser.navigate(callback, **early)
    assert (answer.status, answer.cookies, answer.body) == (204, [], b"")
    assert answer.header("Cache-Control") == "no-store"
    assert grants(site) == 0
    assert browser.navigate(callback).status == 303
    assert grants(site) == 1


@pytest.mark.parametrize(
    "query",
    [
        "code={code}&code=other&state={state}",
        "code={code}&state={state}&state={state}",
        "error=access_denied&error=access_denied&state={state}",
        "code={code}&error=access_denied&state={state}",
        "code=&state={state}",
        "code={code}",
        "code={code}&state=",
        "state={state}",
        "",
        "code={code}&amp;state={state}",
        "code=%ff%00&state=%ff",
        "code=a%20b&state={state}",
        "code=%C3%A9&state={state}",
        "code=a%0d%0ab&state={state}",
        "error=Access%20Denied&state={state}",
        "error=%3Cscript%3E&state={state}",
        "error=" + "x" * 65 + "&state={state}",
        "code=" + "x" * 4097 + "&state={state}",
        "code=" + "x" * 20_000 + "&state={state}",
        "code=" + "x" * 1_048_576 + "&state={state}",
        "code={code}&state={state}&" + "a=b&" * 31,
    ],
)
def test_callback_reads_only_single_parameters(query: str) -> None:
    site = Site()
    browser, callback = begun(site)
    odd = query.format(code=code_of(callback), state=state_of(callback))
    answer = browser.navigate("/auth/callback?" + odd)
    refused_untouched(site, answer, "invalid_request")
    assert answer.cookies == []
    assert browser.navigate(callback).status == 303, "the proper callback still works"


def test_a_form_post_finds_no_function() -> None:
    with pytest.raises(LookupError):
        Site().ask("POST", "/auth/callback", {}, b"code=c&state=s")


def test_a_callback_without_its_cookie_calls_nobody() -> None:
    site = Site()
    _, callback = begun(site)
    answer = site.browser().navigate(callback)
    refused_untouched(site, answer, "sign_in_expired")
    assert answer.cookies == []
    assert f'href="{PUBLIC_URL}/auth/login?return_to=/"' in answer.text
    assert "cookies" in answer.text


def test_another_browsers_callback_is_refused_although_this_one_has_a_sign_in_under_way() -> None:
    site = Site()
    _, attackers = begun(site)
    victim, own = begun(site)
    refused_untouched(site, victim.navigate(attackers), "sign_in_expired")
    assert len(victim.pending) == 1
    assert victim.navigate(own).status == 303


@pytest.mark.parametrize("state", ["x", "*", ".*", "../" * 5, "s" * 64, "S" * 22, quote("é", safe="")])
def test_a_state_that_nobody_drew_is_refused(state: str) -> None:
    site = Site()
    browser, callback = begun(site)
    answer = browser.navigate(f"/auth/callback?code={code_of(callback)}&state={state}")
    refused_untouched(site, answer, "sign_in_expired")


def test_an_injected_code_is_useless_for_its_nonce_is_another_sign_ins() -> None:
    site = Site()
    _, victims = begun(site)
    attacker, own = begun(site)
    answer = attacker.navigate(f"/auth/callback?code={code_of(victims)}&state={state_of(own)}")
    assert (answer.status, answer.code) == (400, "sign_in_refused")
    assert site.store.calls == []
    assert attacker.session is None


def test_the_verifier_of_this_very_sign_in_goes_with_the_code() -> None:
    site = Site()
    browser, callback = begun(site)
    (cookie,) = browser.pending.values()
    verifier = json.loads(base64.urlsafe_b64decode(cookie + "=="))[0]
    browser.navigate(callback)
    (sent,) = site.network.sent(site.entra.token_endpoint)
    assert sent.form["code_verifier"] == verifier
    assert sent.form["redirect_uri"] == f"{PUBLIC_URL}/auth/callback"
    assert sent.form["code"] == code_of(callback)


def test_a_sign_in_older_than_ten_minutes_is_refused_and_keeps_the_way() -> None:
    site = Site()
    browser, callback = begun(site, "?return_to=/%3Fmessage%3Dabc")
    site.clock.advance(601)
    answer = browser.navigate(callback)
    refused_untouched(site, answer, "sign_in_expired")
    assert "return_to=/%3Fmessage%3Dabc" in answer.text


def test_a_sign_in_of_ten_minutes_is_accepted() -> None:
    site = Site()
    browser, callback = begun(site)
    site.clock.advance(600)
    assert browser.navigate(callback).status == 303


def test_a_bookmarked_callback_leaves_the_session_alone() -> None:
    browser = Site().signed_in()
    answer = browser.navigate(f"/auth/callback?code=good&state={STATE}")
    assert (answer.status, answer.code, answer.cookies) == (400, "sign_in_expired", [])
    assert 'href="/"' in answer.text, "a link to the inbox"
    assert browser.fetch("/auth/me").status == 200


def test_a_callback_never_restarts_the_sign_in_by_itself() -> None:
    answer = Site().browser().navigate(f"/auth/callback?code=good&state={STATE}")
    assert answer.header("Location") is None
    assert answer.header("Refresh") is None
    assert "http-equiv" not in answer.text.lower()
