"""GET auth/me: who is signed in, for how long, and that asking changes nothing."""

from __future__ import annotations

import pytest

from tests.fakes.build import PUBLIC_URL
from tests.fakes.entra import PERSON, TENANT
from tests.fakes.site import Site
from tests.fakes.store import UNAVAILABLE

DAY = 86400
WEEK = 7 * DAY


def test_me_says_who_is_signed_in_and_until_when() -> None:
    assert Site().signed_in().fetch("/auth/me").json() == {
        "name": "Ada Lovelace",
        "preferred_username": "ada@contoso.example",
        "tenant_id": TENANT,
        "object_id": PERSON,
        "scopes": ["User.Read", "Mail.Read"],
        "expires": "2026-01-08T00:00:00Z",
        "public_url": PUBLIC_URL,
    }


def test_me_asks_neither_entra_nor_graph_even_when_the_token_has_expired() -> None:
    site = Site()
    browser = site.signed_in()
    asked = len(site.network.requests)
    site.clock.advance(3601)
    assert browser.fetch("/auth/me").status == 200
    assert len(site.network.requests) == asked


def test_me_reads_one_row_and_writes_none() -> None:
    site = Site()
    browser = site.signed_in()
    site.store.calls.clear()
    site.clock.advance(DAY - 1)
    browser.fetch("/auth/me")
    assert [call.operation for call in site.store.calls] == ["read"]


def test_me_gives_no_cookie_back() -> None:
    browser = Site().signed_in()
    assert browser.fetch("/auth/me").cookies == []


def test_polling_me_does_not_extend_the_idle_time() -> None:
    site = Site()
    browser = site.signed_in()
    for _ in range(23):
        site.clock.advance(3600)
        assert browser.fetch("/auth/me").status == 200
    site.clock.advance(3600)
    assert browser.fetch("/auth/me").status == 401


def test_reading_mail_extends_the_idle_time() -> None:
    site = Site()
    browser = site.signed_in()
    for _ in range(3):
        site.clock.advance(DAY - 3600)
        assert browser.fetch("/api/messages").status == 200


@pytest.mark.parametrize("target", ["/auth/me", "/api/messages"])
def test_an_idle_session_ends_at_its_limit_whatever_the_cookie_says(target: str) -> None:
    site = Site()
    early, late = site.signed_in(), site.signed_in()
    site.clock.advance(DAY - 1)
    assert early.fetch(target).status == 200
    site.clock.advance(1)
    assert late.fetch(target).status == 401


@pytest.mark.parametrize("target", ["/auth/me", "/api/messages"])
def test_a_session_ends_at_its_absolute_age_however_busy_it_was(target: str) -> None:
    site = Site(SESSION_IDLE_TIMEOUT=str(WEEK))
    browser = site.signed_in()
    site.clock.advance(WEEK - 1)
    assert browser.fetch(target).status == 200
    site.clock.advance(1)
    assert browser.fetch(target).status == 401


def test_the_ages_are_those_of_the_settings() -> None:
    site = Site(SESSION_MAX_AGE="600", SESSION_IDLE_TIMEOUT="60")
    browser = site.signed_in()
    assert browser.fetch("/auth/me").json()["expires"] == "2026-01-01T00:10:00Z"
    site.clock.advance(60)
    assert browser.fetch("/auth/me").status == 401


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "20260108.",
        "20260108." + "A" * 43,
        "19700101." + "A" * 43,
        "99991231." + "A" * 43,
        "A" * 4000,
        "20260108",
    ],
)
def test_a_cookie_that_names_no_session_is_not_signed_in(value: str) -> None:
    site = Site()
    answer = site.ask("GET", "/auth/me", {"cookie": f"__Host-Http-session={value}"})
    assert (answer.status, answer.code) == (401, "not_signed_in")
    assert answer.cookies == [], "a stranger's cookie is not ours to delete"


def test_another_name_of_cookie_does_not_sign_anybody_in() -> None:
    site = Site()
    value = site.signed_in().session
    for name in ("session", "Http-session", "__host-http-session", "drawbridge-session"):
        assert site.ask("GET", "/auth/me", {"cookie": f"{name}={value}"}).status == 401


@pytest.mark.parametrize(
    "neighbours",
    [
        'prefs={"theme": "dark", "n": [1, 2]}',
        "path=/old",
        "expires=Wed",
        "$Version=1",
        "a b=c d",
        "=x",
        "; ;",
        "caf\xe9=\xe9",
        "__Host-Http-session=planted",
        f"__Host-Http-session=20260108.{'A' * 43}",
    ],
)
def test_neighbour_cookies_cannot_sign_us_out(neighbours: str) -> None:
    site = Site()
    value = f"__Host-Http-session={site.signed_in().session}"
    for header in (f"{neighbours}; {value}", f"{value}; {neighbours}", f"{neighbours}; {value}; {neighbours}"):
        answer = site.ask("GET", "/auth/me", {"cookie": header})
        assert answer.status == 200, header
        assert answer.cookies == []


def test_a_table_that_is_away_never_means_signed_out() -> None:
    site = Site()
    browser = site.signed_in()
    site.store.script("read", UNAVAILABLE)
    answer = browser.fetch("/auth/me")
    assert (answer.status, answer.code, answer.cookies) == (503, "storage_unavailable", [])
    assert browser.fetch("/auth/me").status == 200


def test_me_takes_no_parameters() -> None:
    assert Site().signed_in().fetch("/auth/me?x=1").code == "invalid_request"


def test_a_person_who_opens_me_signed_out_gets_a_page_with_a_button() -> None:
    answer = Site().browser().navigate("/auth/me")
    assert (answer.status, answer.kind) == (401, "text/html")
    assert f'href="{PUBLIC_URL}/auth/login?return_to=/"' in answer.text
