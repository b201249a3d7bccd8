"""GET auth/callback: Entra's refusals become our words, with a way on, and end the sign-in that they belong to."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from shared.wire import Answer, OutboundError, TooLarge, TooSlow, Unreachable
from tests.fakes.build import PUBLIC_URL
from tests.fakes.entra import refusal
from tests.fakes.network import json_answer
from tests.fakes.site import Browser, Seen, Site

HTML = "<img src=x onerror=alert(1)>"


def asked_back(site: Site, query: str, browser: Browser | None = None) -> tuple[Browser, Seen]:
    """A sign-in that Entra answers with these parameters and the right state."""
    browser = browser or site.browser()
    callback = browser.callback(browser.login("?return_to=/%3Fmessage%3Dabc"))
    return browser, browser.navigate(f"/auth/callback?{query}&state={callback.partition('state=')[2]}")


def redeemed(site: Site) -> tuple[Browser, Seen]:
    """A sign-in up to the answer of the token endpoint."""
    browser = site.browser()
    return browser, browser.navigate(browser.callback(browser.login("?return_to=/%3Fmessage%3Dabc")))


def assert_ended(browser: Browser, answer: Seen) -> None:
    """A page, not a redirect; the pending sign-in is gone and no session began."""
    assert answer.kind == "text/html"
    assert answer.header("Location") is None
    assert browser.pending == {}
    assert browser.session is None


REDIRECTED = [
    ("error=access_denied&error_subcode=cancel", 403, "sign_in_cancelled"),
    ("error=access_denied&error_description=AADSTS65004%3a+declined.%0d%0aTrace+ID%3a+1", 403, "sign_in_cancelled"),
    ("error=access_denied&error_description=AADSTS50020%3a+x&admin_consent=True", 403, "sign_in_cancelled"),
    ("error=access_denied&admin_consent=True&tenant=x", 403, "sign_in_cancelled"),
    ("error=consent_required&error_description=AADSTS65001%3a+x", 403, "consent_required"),
    ("error=interaction_required&error_description=AADSTS50076%3a+x", 400, "sign_in_refused"),
    ("error=login_required&error_description=AADSTS50058%3a+x", 400, "sign_in_refused"),
    ("error=account_selection_required", 400, "sign_in_refused"),
    ("error=invalid_grant&error_description=AADSTS70008%3a+x", 400, "sign_in_refused"),
    ("error=unheard_of", 400, "sign_in_refused"),
    ("error=server_error&error_description=AADSTS90033%3a+x", 503, "entra_unavailable"),
    ("error=temporarily_unavailable", 503, "entra_unavailable"),
    ("error=invalid_request&error_description=AADSTS90014%3a+x", 503, "app_registration_refused"),
    ("error=invalid_scope&error_description=AADSTS70011%3a+x", 503, "app_registration_refused"),
    ("error=invalid_client&error_description=AADSTS650052%3a+x", 503, "app_registration_refused"),
    ("error=unauthorized_client&error_description=AADSTS700016%3a+x", 503, "app_registration_refused"),
    ("error=unsupported_response_type&error_description=AADSTS700054%3a+x", 503, "app_registration_refused"),
    ("error=invalid_resource&error_description=AADSTS500011%3a+x", 503, "app_registration_refused"),
]


@pytest.mark.parametrize(("query", "status", "code"), REDIRECTED)
def test_an_error_on_the_way_back_ends_in_our_words_without_a_loop(query: str, status: int, code: str) -> None:
    site = Site()
    browser, answer = asked_back(site, query)
    assert (answer.status, answer.code) == (status, code)
    assert_ended(browser, answer)
    assert "AADSTS" not in answer.text
    assert site.entra.grants == 0
    assert site.store.calls == []


def test_a_declined_sign_in_can_be_tried_again_to_the_same_place() -> None:
    _, answer = asked_back(Site(), "error=access_denied")
    assert f'href="{PUBLIC_URL}/auth/login?return_to=/%3Fmessage%3Dabc"' in answer.text


def test_a_refused_administrators_consent_suggests_another_account() -> None:
    _, answer = asked_back(Site(), "error=access_denied&admin_consent=True")
    assert "another account" in answer.text
    assert "prompt=select_account" in answer.text


def test_a_missing_consent_says_that_an_administrator_must_agree() -> None:
    _, answer = asked_back(Site(), "error=consent_required&error_description=AADSTS65001%3a+x")
    assert "administrator" in answer.text


@pytest.mark.parametrize("name", ["error_description", "error_uri", "error_subcode", "tenant", "session_state"])
def test_nothing_of_the_query_is_shown_or_copied_into_a_header(name: str) -> None:
    _, answer = asked_back(Site(), "error=access_denied&" + urlencode({name: HTML}))
    assert answer.status == 403
    assert "<img" not in answer.text
    assert "onerror" not in answer.text
    assert not any("onerror" in value for _, value in answer.headers)


def test_an_administrators_consent_that_comes_without_state_calls_nobody() -> None:
    site = Site()
    answer = site.browser().navigate("/auth/callback?admin_consent=True&tenant=x&error=access_denied")
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.cookies == []
    assert site.network.requests == []


def test_a_cancelled_second_sign_in_does_not_end_the_session_that_was_there() -> None:
    site = Site()
    browser = site.signed_in()
    asked_back(site, "error=access_denied&error_subcode=cancel", browser)
    assert browser.fetch("/auth/me").status == 200


def test_a_cancelled_sign_in_leaves_the_other_one_under_way() -> None:
    site = Site()
    browser = site.browser()
    other = browser.callback(browser.login())
    site.clock.advance(1)
    asked_back(site, "error=access_denied", browser)
    assert browser.navigate(other).status == 303


def test_an_error_that_names_no_sign_in_of_this_browser_changes_nothing() -> None:
    browser = Site().signed_in()
    answer = browser.navigate("/auth/callback?error=access_denied&state=" + "s" * 22)
    assert (answer.status, answer.code, answer.cookies) == (400, "sign_in_expired", [])
    assert browser.fetch("/auth/me").status == 200


@pytest.mark.parametrize(("query", "status", "code"), REDIRECTED[:5])
def test_a_caller_who_wants_json_gets_the_code_and_where_to_sign_in(query: str, status: int, code: str) -> None:
    browser = Site().browser()
    callback = browser.callback(browser.login())
    target = f"/auth/callback?{query}&state={callback.partition('state=')[2]}"
    answer = browser.send("GET", target, {"accept": "application/json"})
    assert (answer.status, answer.kind) == (status, "application/problem+json")
    assert answer.json()["code"] == code
    assert answer.json()["login_url"] == f"{PUBLIC_URL}/auth/login?return_to=/"


@pytest.mark.parametrize(
    ("error", "number", "suberror", "status", "code"),
    [
        ("invalid_grant", 70008, "", 400, "sign_in_refused"),
        ("invalid_grant", 70000, "", 400, "sign_in_refused"),
        ("invalid_grant", 501481, "", 400, "sign_in_refused"),
        ("invalid_grant", 9002313, "", 400, "sign_in_refused"),
        ("invalid_grant", 50076, "basic_action", 400, "sign_in_refused"),
        ("invalid_grant", 53003, "message_only", 400, "sign_in_refused"),
        ("invalid_grant", 65001, "consent_required", 403, "consent_required"),
        ("consent_required", 65001, "", 403, "consent_required"),
        ("interaction_required", 50079, "", 400, "sign_in_refused"),
        ("invalid_client", 7000222, "", 503, "app_registration_refused"),
        ("invalid_client", 7000215, "", 503, "app_registration_refused"),
        ("unauthorized_client", 700016, "", 503, "app_registration_refused"),
        ("invalid_request", 50011, "", 503, "app_registration_refused"),
        ("invalid_scope", 70011, "", 503, "app_registration_refused"),
        ("invalid_resource", 500011, "", 503, "app_registration_refused"),
        ("temporarily_unavailable", 90033, "", 503, "entra_unavailable"),
        ("server_error", 50000, "", 503, "entra_unavailable"),
        ("<b>", 0, "<b>", 400, "sign_in_refused"),
    ],
)
def test_a_refused_code_ends_in_our_words(error: str, number: int, suberror: str, status: int, code: str) -> None:
    site = Site()
    refused = refusal(error, number, suberror=suberror, error_description=HTML, claims=HTML)
    site.network.answer(site.entra.token_endpoint, refused)
    browser, answer = redeemed(site)
    assert (answer.status, answer.code) == (status, code)
    assert_ended(browser, answer)
    assert "<img" not in answer.text
    assert site.store.calls == []
    assert len(site.network.sent(site.entra.token_endpoint)) == 1


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
def test_the_operators_fault_offers_the_person_no_sign_in(code: str) -> None:
    site = Site()
    site.network.answer(site.entra.token_endpoint, refusal(code, 7000222))
    _, answer = redeemed(site)
    assert "/auth/login" not in answer.text
    assert "7000222" not in answer.text


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (Unreachable(), 503, "entra_unavailable"),
        (Unreachable(), 503, "entra_unavailable"),
        (TooSlow(), 503, "entra_unavailable"),
        (TooLarge(), 502, "entra_bad_answer"),
        (json_answer({}, 500), 503, "entra_unavailable"),
        (json_answer({}, 302, location="https://evil.example/"), 502, "entra_bad_answer"),
        (json_answer({}, 404), 502, "entra_bad_answer"),
    ],
)
def test_an_entra_that_fails_begins_no_session_and_says_so(
    sent: Answer | OutboundError, status: int, code: str
) -> None:
    site = Site()
    site.network.answer(site.entra.token_endpoint, sent)
    browser, answer = redeemed(site)
    assert (answer.status, answer.code) == (status, code)
    assert_ended(browser, answer)
    assert len(site.network.sent(site.entra.token_endpoint)) == 1, "a code is never sent twice"


def test_throttling_in_plain_text_is_told_with_its_pause_and_a_new_attempt_works() -> None:
    site = Site()
    throttled = Answer(429, {"content-type": "text/plain", "retry-after": "3"}, b"Too Many Requests")
    site.network.answer_once(site.entra.token_endpoint, throttled)
    browser, answer = redeemed(site)
    assert (answer.status, answer.code, answer.header("Retry-After")) == (503, "entra_unavailable", "3")
    assert_ended(browser, answer)
    site.clock.advance(4)
    assert redeemed(site)[1].status == 303
