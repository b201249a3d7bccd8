"""GET, POST auth/logout: the session ends here first, then at Entra, and the answer is true when it cannot."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.keyring import Keyring
from shared.secret import Secret
from shared.session_index import SessionIndex
from shared.session_rows import Challenge
from shared.sessions import Sessions
from shared.wire import Unreachable
from shared.wrapping import LocalKey
from tests.fakes.build import PUBLIC_URL, SEALING_KEY
from tests.fakes.entra import HOST
from tests.fakes.site import FETCH, Site
from tests.fakes.store import UNAVAILABLE
from tests.fakes.vault import FakeVault

FORM = {"sec_fetch_site": "same-origin"}


def test_a_fetch_is_told_where_entras_sign_out_is_after_the_row_is_gone() -> None:
    site = Site()
    browser = site.signed_in()
    answer = browser.fetch("/auth/logout", "POST")
    assert answer.status == 200
    where = urlsplit(answer.json()["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{HOST}/common/oauth2/v2.0/logout"
    assert parse_qs(where.query) == {"post_logout_redirect_uri": [PUBLIC_URL + "/"], "logout_hint": ["hint-of-ada"]}
    assert where.fragment == ""
    assert site.store.session_rows() == []
    assert browser.jar == {}


def test_a_form_is_led_to_entras_sign_out_by_303() -> None:
    site = Site()
    browser = site.signed_in()
    answer = browser.navigate("/auth/logout", "POST", **FORM)
    assert answer.status == 303
    assert answer.location.startswith(f"{HOST}/common/oauth2/v2.0/logout?")
    assert browser.session is None


def test_a_deletion_carries_the_attributes_by_which_the_cookie_was_set() -> None:
    (cookie,) = Site().signed_in().fetch("/auth/logout", "POST").cookies
    expected = {"path": "/", "secure": "", "httponly": "", "samesite": "Strict", "max-age": "0"}
    assert (cookie.name, cookie.value, cookie.attributes) == ("__Host-Http-session", "", expected)


def test_a_copied_cookie_is_dead_after_logout() -> None:
    site = Site()
    browser = site.signed_in()
    copied = {"cookie": f"{browser.session_name}={browser.session}"}
    browser.fetch("/auth/logout", "POST")
    assert site.ask("GET", "/auth/me", {**FETCH, **copied}).status == 401
    assert site.ask("GET", "/api/messages", {**FETCH, **copied}).status == 401


def test_a_copied_cookie_is_dead_at_once_in_every_other_process_too() -> None:
    site = Site()
    browser = site.signed_in()
    value = browser.session or ""
    world = site.world
    ring = Keyring(world.store, LocalKey(Secret(SEALING_KEY)), world.clock)
    other = Sessions(world.store, SessionIndex(world.store, ring, world.clock), ring, world.config, world.clock)
    assert other.find([value], world.deadline()) is not None
    browser.fetch("/auth/logout", "POST")
    assert other.find([value], world.deadline()) is None


def test_a_session_whose_person_is_wanted_at_entra_first_can_be_signed_out() -> None:
    site = Site()
    browser = site.signed_in()
    session = site.world.session(browser.session or "")
    site.services.sessions.set_challenge(session, Challenge("", blocking=True), site.world.deadline())
    assert browser.fetch("/auth/me").code == "interaction_required"
    answer = browser.fetch("/auth/logout", "POST")
    assert "logout_hint=hint-of-ada" in answer.json()["location"]
    assert site.store.rows.keys() <= {place for place in site.store.rows if place[0] == "keyring"}


def test_a_session_that_cannot_be_opened_for_want_of_its_key_is_ended_all_the_same() -> None:
    site = Site()
    browser = site.signed_in()
    (row,) = site.store.session_rows()
    site.store.change(row, key_id="99999999")  # one that this process has not heard of yet
    assert browser.fetch("/auth/me").code == "keys_unavailable"
    answer = browser.fetch("/auth/logout", "POST")
    assert (answer.status, browser.jar) == (200, {})
    assert site.store.session_rows() == []


def test_a_key_vault_that_hangs_until_the_time_is_up_keeps_no_session_from_being_ended() -> None:
    site, vault = Site(), FakeVault()

    def restart() -> None:
        world = site.world
        ring = Keyring(world.store, vault, world.clock)
        index = SessionIndex(world.store, ring, world.clock)
        sessions = Sessions(world.store, index, ring, world.config, world.clock)
        site.world = replace(world, services=replace(world.services, keyring=ring, index=index, sessions=sessions))

    restart()
    browser = site.signed_in()
    restart()
    vault.before = lambda: site.clock.advance(5)
    answer = browser.fetch("/auth/logout", "POST")
    assert (answer.status, browser.jar) == (200, {})
    assert site.store.session_rows() == []


def test_logout_is_idempotent() -> None:
    site = Site()
    browser = site.signed_in()
    jar = dict(browser.jar)
    for _ in range(2):
        browser.jar = dict(jar)
        answer = browser.fetch("/auth/logout", "POST")
        assert (answer.status, len(answer.cookies)) == (200, 1)


def test_logout_without_any_session_still_clears_the_cookie_and_asks_no_table() -> None:
    site = Site()
    answer = site.browser().fetch("/auth/logout", "POST")
    assert answer.status == 200
    assert [cookie.is_deletion() for cookie in answer.cookies] == [True]
    assert site.store.calls == []
    assert "logout_hint" not in answer.json()["location"]


def test_an_expired_session_is_deleted_all_the_same() -> None:
    site = Site()
    browser = site.signed_in()
    site.clock.advance(86400 * 2)
    assert browser.fetch("/auth/logout", "POST").status == 200
    assert site.store.session_rows() == []


def test_signing_out_ends_this_session_and_no_other() -> None:
    site = Site()
    first, second = site.signed_in(), site.signed_in()
    first.fetch("/auth/logout", "POST")
    assert second.fetch("/auth/me").status == 200


def test_a_get_only_asks_and_ends_nothing() -> None:
    browser = Site().signed_in()
    answer = browser.navigate("/auth/logout")
    assert (answer.status, answer.kind, answer.cookies) == (200, "text/html", [])
    assert '<form method="post" action="/auth/logout"' in answer.text
    assert browser.fetch("/auth/me").status == 200


def test_only_the_question_may_submit_a_form_that_is_redirected_elsewhere() -> None:
    site = Site()
    question = site.browser().navigate("/auth/logout").header("Content-Security-Policy") or ""
    page = site.browser().navigate("/").header("Content-Security-Policy") or ""
    assert "form-action 'self' https:;" in question
    assert "form-action 'self';" in page


def test_locally_the_question_may_lead_to_plain_http_too() -> None:
    answer = Site(PUBLIC_URL="http://localhost:7071").browser().navigate("/auth/logout")
    assert "form-action 'self' https: http:;" in (answer.header("Content-Security-Policy") or "")


@pytest.mark.parametrize("operation", ["read", "delete"])
def test_logout_tells_the_truth_when_storage_is_down(operation: str) -> None:
    site = Site()
    browser = site.signed_in()
    jar = dict(browser.jar)
    site.store.script("delete" if operation == "delete" else "read", UNAVAILABLE)
    answer = browser.fetch("/auth/logout", "POST")
    assert (answer.status, answer.code) == (503, "storage_unavailable")
    assert "2026-01-08T00:00:00Z" in answer.json()["detail"], "until when a copy works"
    assert answer.json()["location"].startswith(f"{HOST}/common/oauth2/v2.0/logout?"), "what can still be done"
    assert browser.session is None
    browser.jar = jar
    for _ in range(7):
        assert browser.fetch("/api/messages").status == 200, "a copy in use lives on, as the answer said"
        site.clock.advance(86399)
    site.clock.advance(7)
    assert browser.fetch("/api/messages").status == 401


@pytest.mark.parametrize("done", [1, 2])
def test_a_session_that_is_deleted_is_signed_out_even_where_its_index_rows_stay(done: int) -> None:
    site = Site()
    browser = site.signed_in()
    site.store.script("delete", *[None] * done, UNAVAILABLE)
    assert browser.fetch("/auth/logout", "POST").status == 200
    assert site.store.session_rows() == []
    assert any(table == "sessionindex" for table, _, _ in site.store.rows), "which the purge will find"


def test_a_person_gets_the_same_truth_as_a_page_with_a_link_to_entra() -> None:
    site = Site()
    browser = site.signed_in()
    site.store.script("delete", UNAVAILABLE)
    answer = browser.navigate("/auth/logout", "POST", **FORM)
    assert (answer.status, answer.kind) == (503, "text/html")
    assert "could not be deleted" in answer.text
    assert f'href="{HOST}/common/oauth2/v2.0/logout?' in answer.text
    assert browser.session is None


def test_signing_out_works_before_entras_document_was_ever_read() -> None:
    site = Site()
    site.network.answer(HOST, Unreachable())
    answer = site.browser().fetch("/auth/logout", "POST")
    assert answer.json()["location"].startswith(f"{HOST}/common/oauth2/v2.0/logout?")


@pytest.mark.parametrize("hint", ["ada#EXT#@contoso.example", "a b&c=d", "é𝒜", "x" * 1024])
def test_a_hint_is_encoded_once_whatever_is_in_it(hint: str) -> None:
    location = Site().signed_in(login_hint=hint).fetch("/auth/logout", "POST").json()["location"]
    assert location.isascii()
    assert parse_qs(urlsplit(location).query)["logout_hint"] == [hint]
    assert urlsplit(location).fragment == ""
