"""Who did what, as the log has it: a line for each, with the request's trace and the person's ids, without a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.entra import PERSON, TENANT, refusal
from tests.fakes.graph import graph_error
from tests.fakes.site import Browser, Site
from tests.fakes.store import UNAVAILABLE

AUDIT = {
    "signed_in",
    "sign_in_refused",
    "sign_in_failed",
    "refresh_failed",
    "step_up_required",
    "session_ended",
    "signed_out_everywhere",
    "sign_out_incomplete",
}
ADA = {"tenant": TENANT, "person": PERSON}


@pytest.fixture
def audited(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The lines since the last look that say who did what, without their traces, which each must have."""
    caplog.set_level(logging.DEBUG, "drawbridge")

    def lines() -> list[dict[str, Any]]:
        everything = (json.loads(record.getMessage()) for record in caplog.records if record.name == "drawbridge")
        written = [line for line in everything if line["event"] in AUDIT]
        assert all(len(line.pop("trace")) == 32 for line in written)
        assert not any(
            secret in caplog.text for secret in ("access-", "refresh-", "code-", "eyJ", "hint-of-ada", "ada@")
        )
        caplog.clear()
        return written

    return lines


Audited = Callable[[], list[dict[str, Any]]]


def ended(reason: str, **who: str) -> dict[str, Any]:
    return {"event": "session_ended", "reason": reason, **(who or ADA)}


def test_signing_in_and_out(audited: Audited) -> None:
    browser = Site().signed_in()
    assert audited() == [{"event": "signed_in", **ADA}]
    browser.fetch("/auth/logout", "POST")
    assert audited() == [ended("signed_out")]
    browser.fetch("/auth/logout", "POST")
    assert audited() == []


def test_signing_in_anew_says_whose_session_that_replaces(audited: Audited) -> None:
    site = Site()
    browser = site.signed_in()
    audited()
    bob = {"tenant": TENANT, "person": "44444444-4444-4444-8444-444444444444"}
    site.entra.claims = {"oid": bob["person"], "sub": "bob"}
    browser.navigate(browser.callback(browser.login()))
    assert audited() == [{"event": "signed_in", **bob}, ended("replaced")]


def test_a_code_that_entra_refuses(audited: Audited) -> None:
    site = Site()
    browser = site.browser()
    callback = browser.callback(browser.login())
    site.network.answer(site.entra.token_endpoint, refusal("invalid_grant", 70008))
    browser.navigate(callback)
    assert audited() == [
        {"event": "sign_in_refused", "reason": "invalid_grant", "codes": "[70008]"},
        {"event": "sign_in_failed", "code": "sign_in_refused"},
    ]


def test_a_tenant_that_is_not_allowed(audited: Audited) -> None:
    site = Site(ENTRA_ALLOWED_TENANTS="55555555-5555-4555-8555-555555555555")
    browser = site.browser()
    assert browser.navigate(browser.callback(browser.login())).status == 403
    assert audited() == [
        {"event": "sign_in_refused", "reason": "tenant", **ADA},
        {"event": "sign_in_failed", "code": "account_not_allowed"},
    ]


def test_a_person_who_declines_and_a_callback_that_nobody_began(audited: Audited) -> None:
    browser = Site().browser()
    state = browser.callback(browser.login()).partition("state=")[2]
    browser.navigate(f"/auth/callback?error=access_denied&state={state}")
    assert audited() == [{"event": "sign_in_failed", "code": "sign_in_cancelled"}]
    browser.navigate("/auth/callback?code=code-of-somebody&state=state-of-nobody")
    assert audited() == [{"event": "sign_in_failed", "code": "sign_in_expired"}]


def expired(site: Site) -> Browser:
    """A browser whose access token has expired."""
    browser = site.signed_in()
    site.clock.advance(3601)
    return browser


def test_a_grant_that_is_dead(audited: Audited) -> None:
    site = Site()
    browser = expired(site)
    audited()
    site.network.answer(site.entra.token_endpoint, refusal("invalid_grant", 50173, suberror="bad_token"))
    assert browser.fetch("/api/messages").status == 401
    assert audited() == [
        {"event": "refresh_failed", "reason": "invalid_grant", "suberror": "bad_token", "codes": "[50173]", **ADA},
        ended("grant_dead"),
    ]


def test_a_refresh_that_is_answered_about_somebody_else(audited: Audited) -> None:
    site = Site()
    browser = expired(site)
    audited()
    site.entra.claims = {"sub": "somebody-else"}
    assert browser.fetch("/api/messages").status == 401
    assert audited() == [{"event": "refresh_failed", "reason": "other_person", **ADA}, ended("grant_dead")]


def test_a_step_up_that_entra_wants_is_written_once(audited: Audited) -> None:
    site = Site()
    browser = expired(site)
    audited()
    site.network.answer(site.entra.token_endpoint, refusal("interaction_required", 50076, suberror="basic_action"))
    for _ in range(3):
        assert browser.fetch("/api/messages").status == 401
    assert audited()[1:] == [{"event": "step_up_required", "by": "entra", **ADA}]


def test_a_step_up_that_graph_wants_is_written_once_and_so_is_its_coming_about(audited: Audited) -> None:
    site = Site()
    browser = site.signed_in()
    audited()
    challenge = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    for _ in range(3):
        site.graph.fails(*[graph_error(401, "InvalidAuthenticationToken", **{"WWW-Authenticate": challenge})] * 2)
        assert browser.fetch("/api/messages").status == 401
    assert [line for line in audited() if line["event"] == "step_up_required"] == [
        {"event": "step_up_required", "by": "graph", **ADA}
    ]
    browser.navigate(browser.callback(browser.login("?step_up=1")))
    assert audited() == [{"event": "signed_in", "step_up": "yes", **ADA}, ended("replaced")]


def test_each_kind_of_ending_has_its_reason(audited: Audited) -> None:
    site = Site()
    here, there = site.signed_in(), site.signed_in()
    numbers = {one["current"]: one["number"] for one in here.fetch("/auth/sessions").json()["sessions"]}
    audited()
    assert here.fetch("/auth/sessions/" + numbers[False], "DELETE").status == 204
    assert audited() == [ended("ended_elsewhere")]
    assert here.fetch("/auth/sessions/" + numbers[True], "DELETE").status == 204
    assert audited() == [ended("signed_out")]
    here, there = site.signed_in(), site.signed_in()
    audited()
    assert there.fetch("/auth/sessions", "DELETE").status == 200
    assert audited() == [
        *[ended("everywhere")] * 2,
        {"event": "signed_out_everywhere", "sessions": 2, **ADA},
    ]
    site.signed_in(sid="sid-1")
    audited()
    here.navigate("/auth/front-channel-logout?sid=sid-1", site="cross-site")
    assert audited() == [ended("front_channel")]


def test_a_sign_out_that_could_not_be_carried_out(audited: Audited) -> None:
    site = Site()
    browser = site.signed_in()
    audited()
    site.store.script("read", *[UNAVAILABLE] * 9)
    assert browser.fetch("/auth/logout", "POST").status == 503
    assert audited() == [{"event": "sign_out_incomplete"}]
