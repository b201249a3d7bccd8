"""GET, DELETE auth/sessions and DELETE auth/sessions/{number}: where a person is signed in, and ending that."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.session_rows import Challenge
from tests.fakes.entra import HOST
from tests.fakes.site import FETCH, Browser, Site
from tests.fakes.store import UNAVAILABLE, Operation

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1"


def signed_in(site: Site, user_agent: str = "", **claims: Any) -> Browser:
    """A browser that says of itself what it is."""
    browser = site.browser()
    site.entra.claims = {**site.entra.claims, **claims}
    answer = browser.navigate(browser.callback(browser.login()), user_agent=user_agent)
    assert answer.status == 303, answer.text
    return browser


def listed(browser: Browser) -> list[dict[str, Any]]:
    answer = browser.fetch("/auth/sessions")
    assert answer.status == 200, answer.text
    assert list(answer.json()) == ["sessions"]
    found: list[dict[str, Any]] = answer.json()["sessions"]
    return found


def own_number(browser: Browser) -> str:
    (number,) = [one["number"] for one in listed(browser) if one["current"]]
    assert isinstance(number, str)
    return number


def wanted_at_entra(site: Site, browser: Browser) -> None:
    """Entra renews nothing before the person has been there."""
    session = site.services.sessions.find([browser.session or ""], site.world.deadline())
    assert session is not None
    site.services.sessions.set_challenge(session, Challenge("", blocking=True), site.world.deadline())


def test_a_person_sees_every_session_with_its_device_and_times_and_which_one_this_is() -> None:
    site = Site()
    desk = signed_in(site, FIREFOX)
    site.clock.advance(3600)
    phone = signed_in(site, IPHONE)
    assert listed(desk) == [
        {
            "number": own_number(phone),
            "device": "Safari on iPhone",
            "created": "2026-01-01T01:00:00Z",
            "last_seen": "2026-01-01T01:00:00Z",
            "current": False,
        },
        {
            "number": own_number(desk),
            "device": "Firefox on Linux",
            "created": "2026-01-01T00:00:00Z",
            "last_seen": "2026-01-01T00:00:00Z",
            "current": True,
        },
    ]


def test_identity_is_tenant_and_object_id_so_the_same_address_elsewhere_is_somebody_else() -> None:
    site = Site()
    one = signed_in(site)
    tenant = "99999999-9999-4999-8999-999999999999"
    other = signed_in(site, tid=tenant, iss=f"{HOST}/{tenant}/v2.0")
    assert one.fetch("/auth/me").json()["preferred_username"] == other.fetch("/auth/me").json()["preferred_username"]
    assert [len(listed(browser)) for browser in (one, other)] == [1, 1]
    assert other.fetch("/auth/sessions", "DELETE").status == 200
    assert one.fetch("/auth/me").status == 200


def test_asking_for_the_list_writes_nothing_and_extends_no_session() -> None:
    site = Site()
    browser = signed_in(site)
    site.store.calls.clear()
    for _ in range(3):
        site.clock.advance(28000)
        listed(browser)
        assert browser.fetch("/auth/me").status == 200
    assert {call.operation for call in site.store.calls} == {"read", "partition"}
    site.clock.advance(2400)
    assert browser.fetch("/auth/sessions").code == "not_signed_in"


def test_another_session_is_ended_by_its_number_and_this_one_goes_on() -> None:
    site = Site()
    here, there = signed_in(site), signed_in(site)
    answer = here.fetch("/auth/sessions/" + own_number(there), "DELETE")
    assert (answer.status, answer.body, answer.cookies) == (204, b"", [])
    assert there.fetch("/auth/me").code == "not_signed_in"
    assert here.fetch("/auth/me").status == 200
    assert [one["current"] for one in listed(here)] == [True]


def test_a_session_that_is_deleted_is_reported_as_ended_even_where_its_index_rows_stay() -> None:
    site = Site()
    here, there = signed_in(site), signed_in(site)
    site.store.script("delete", None, UNAVAILABLE)
    assert here.fetch("/auth/sessions/" + own_number(there), "DELETE").status == 204
    assert there.fetch("/auth/me").code == "not_signed_in"
    assert [one["current"] for one in listed(here)] == [True]


def test_ending_this_very_session_takes_the_cookie_too() -> None:
    site = Site()
    browser = signed_in(site)
    answer = browser.fetch("/auth/sessions/" + own_number(browser), "DELETE")
    assert (answer.status, browser.jar) == (204, {})
    assert site.store.session_rows() == []


@pytest.mark.parametrize("number", ["x", "AAAAAAAAAAAAAAAAAAAAAA", "epoch", "a' or 'b' eq 'b", "%2e%2e", "x" * 5000])
def test_a_number_that_is_none_of_the_persons_is_404_and_ends_nothing(number: str) -> None:
    site = Site()
    browser = signed_in(site)
    answer = browser.fetch("/auth/sessions/" + number, "DELETE")
    assert (answer.status, answer.code, answer.cookies) == (404, "session_not_found", [])
    assert number not in answer.text
    assert browser.fetch("/auth/me").status == 200


def test_a_number_of_somebody_else_is_404_and_ends_nothing() -> None:
    site = Site()
    mine = signed_in(site)
    theirs = signed_in(site, oid="99999999-9999-4999-8999-999999999999")
    assert mine.fetch("/auth/sessions/" + own_number(theirs), "DELETE").code == "session_not_found"
    assert theirs.fetch("/auth/me").status == 200


def test_signing_out_everywhere_ends_all_sessions_and_leads_to_entras_sign_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site()
    browsers = [signed_in(site) for _ in range(3)]
    with caplog.at_level(logging.INFO, "drawbridge"):
        answer = browsers[0].fetch("/auth/sessions", "DELETE")
    assert answer.status == 200
    where = urlsplit(answer.json()["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{HOST}/common/oauth2/v2.0/logout"
    assert "logout_hint=hint-of-ada" in where.query
    assert browsers[0].jar == {}
    assert site.store.session_rows() == []
    for browser in browsers:
        assert browser.fetch("/auth/me").status == 401
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "drawbridge"]
    (everywhere,) = [line for line in lines if line["event"] == "signed_out_everywhere"]
    assert everywhere["sessions"] == 3
    assert everywhere["person"]


def test_a_browser_at_entra_when_the_person_signs_out_everywhere_comes_back_to_a_new_session() -> None:
    site = Site()
    here, other = signed_in(site), site.browser()
    callback = other.callback(other.login())
    here.fetch("/auth/sessions", "DELETE")
    assert other.navigate(callback).status == 303, "Entra says who this is only now"
    assert other.fetch("/auth/me").status == 200


def test_a_sign_in_that_is_overtaken_by_signing_out_everywhere_is_a_page_with_a_way_on_and_no_session() -> None:
    site = Site()
    here, other = signed_in(site), site.browser()
    callback = other.callback(other.login())
    site.store.script("insert", None, None, lambda: here.fetch("/auth/sessions", "DELETE"))
    answer = other.navigate(callback)
    assert (answer.status, answer.code) == (400, "sign_in_refused")
    assert "signed out everywhere" in answer.text
    assert other.jar == {}
    assert site.store.session_rows() == []


@pytest.mark.parametrize("died_after", [1, 2, 3])
def test_a_process_that_dies_after_any_write_of_a_sign_in_leaves_no_session_that_cannot_be_found(
    died_after: int,
) -> None:
    site = Site()
    here, other = signed_in(site), site.browser()
    callback = other.callback(other.login())

    class Died(BaseException):
        """Nothing of ours catches it."""

    def die() -> None:
        raise Died

    if died_after < 3:
        site.store.script("insert", *[None] * died_after, die)
    else:
        site.store.script("read", None, die)  # the epoch, after the last insert
    with pytest.raises(Died):
        other.navigate(callback)
    assert other.session is None
    rows = site.store.session_rows()
    assert len(rows) == (2 if died_after == 3 else 1)
    known = {
        entry.place
        for entry in site.services.index.of_person(str(rows[0].properties["user_pk"]), site.world.deadline())
    }
    assert {(row.partition, row.key) for row in rows} <= known
    assert here.fetch("/auth/sessions", "DELETE").status == 200
    assert site.store.session_rows() == []


@pytest.mark.parametrize("operation", ["read", "partition", "insert", "delete"])
def test_where_storage_fails_half_way_the_cookie_stays_to_ask_again_and_the_answer_says_so(
    operation: Operation,
) -> None:
    site = Site()
    here, other = signed_in(site), signed_in(site)
    site.store.script(operation, *[None] * (operation == "read"), UNAVAILABLE)
    answer = here.fetch("/auth/sessions", "DELETE")
    assert (answer.status, answer.code, answer.cookies) == (503, "storage_unavailable", [])
    assert "Try again" in answer.json()["detail"]
    assert here.fetch("/auth/sessions", "DELETE").status == 200
    assert other.fetch("/auth/me").status == 401


def test_a_session_whose_person_is_wanted_at_entra_shows_no_list_but_can_be_ended() -> None:
    site = Site()
    here, there = signed_in(site), signed_in(site)
    number = own_number(there)
    wanted_at_entra(site, here)
    assert here.fetch("/auth/sessions").code == "interaction_required"
    assert here.fetch("/auth/sessions/" + number, "DELETE").status == 204
    assert here.fetch("/auth/sessions", "DELETE").status == 200
    assert site.store.session_rows() == []


@pytest.mark.parametrize(("method", "target"), [("GET", ""), ("DELETE", ""), ("DELETE", "/AAAAAAAAAAAAAAAAAAAAAA")])
def test_without_a_session_it_is_401_and_no_table_is_asked(method: str, target: str) -> None:
    site = Site()
    answer = site.browser().fetch("/auth/sessions" + target, method)
    assert (answer.status, answer.code) == (401, "not_signed_in")
    assert site.store.calls == []


@pytest.mark.parametrize(("method", "target"), [("GET", ""), ("DELETE", ""), ("DELETE", "/AAAAAAAAAAAAAAAAAAAAAA")])
def test_another_sites_page_neither_reads_the_list_nor_ends_a_session(method: str, target: str) -> None:
    site = Site()
    browser = signed_in(site)
    answer = browser.send(method, "/auth/sessions" + target, {**FETCH, "sec-fetch-site": "cross-site"})
    assert (answer.status, answer.code) == (403, "cross_site")
    assert browser.fetch("/auth/me").status == 200


def test_sessions_per_person_are_capped_over_sign_ins() -> None:
    site = Site()
    browsers = []
    for _ in range(25):
        browsers.append(signed_in(site))
        site.clock.advance(1)
    assert [browser.fetch("/auth/me").status for browser in browsers] == [401] * 5 + [200] * 20
    assert len(listed(browsers[-1])) == 20


def test_where_older_sessions_cannot_be_ended_the_sign_in_stands() -> None:
    site = Site()
    browser = site.browser()
    callback = browser.callback(browser.login())
    site.store.script("partition", UNAVAILABLE)
    assert browser.navigate(callback).status == 303
    assert browser.fetch("/auth/me").status == 200
