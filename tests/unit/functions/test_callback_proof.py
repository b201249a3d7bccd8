"""GET auth/callback: a token answer that does not prove who signed in begins no session."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.entra import CLIENT_ID, HOST, TENANT
from tests.fakes.network import json_answer
from tests.fakes.site import Browser, Seen, Site

OTHER_TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
ABSENT = None


def finished(site: Site) -> tuple[Browser, Seen]:
    browser = site.browser()
    return browser, browser.navigate(browser.callback(browser.login()))


def assert_refused(site: Site) -> None:
    """The person reads a page with a way on; no row was written, no token was used, the sign-in is over."""
    browser, answer = finished(site)
    assert (answer.status, answer.code, answer.kind) == (400, "sign_in_refused", "text/html")
    assert site.store.calls == []
    assert site.graph.sent() == []
    assert browser.jar == {}


@pytest.mark.parametrize("nonce", [ABSENT, "", "another", 5, [], {}, True])
def test_wrong_or_missing_nonce_is_refused(nonce: object) -> None:
    site = Site()
    site.entra.claims = {"nonce": nonce}
    assert_refused(site)


def test_a_token_answer_without_id_token_is_refused() -> None:
    site = Site()
    site.entra.answer = {"id_token": ABSENT}
    assert_refused(site)


@pytest.mark.parametrize("id_token", ["", "x", "a.b.c", "..", "e30.W10.x", "e30.bnVsbA.x", "e30.e30.x", 7, ["x"], {}])
def test_an_id_token_that_is_none_is_refused_and_never_an_error_of_ours(id_token: object) -> None:
    site = Site()
    site.entra.answer = {"id_token": id_token}
    browser, answer = finished(site)
    assert answer.code in ("sign_in_refused", "entra_bad_answer")
    assert answer.status in (400, 502)
    assert site.store.calls == []
    assert browser.jar == {}


@pytest.mark.parametrize(
    "issuer",
    [
        ABSENT,
        "",
        f"https://evil.example/{TENANT}/v2.0",
        f"{HOST}/{OTHER_TENANT}/v2.0",
        f"https://sts.windows.net/{TENANT}/",
        f"http://login.microsoftonline.com/{TENANT}/v2.0",
        f"{HOST}/{TENANT}/v2.0/",
        f"{HOST}/{{tenantid}}/v2.0",
        [f"{HOST}/{TENANT}/v2.0"],
        7,
    ],
)
def test_foreign_issuer_is_refused(issuer: object) -> None:
    site = Site()
    site.entra.claims = {"iss": issuer}
    assert_refused(site)


@pytest.mark.parametrize(
    "claims",
    [{"tid": OTHER_TENANT}, {"tid": OTHER_TENANT, "iss": f"{HOST}/{OTHER_TENANT.upper()}/v2.0"}],
)
def test_an_issuer_of_another_tenant_than_the_token_says_is_refused(claims: dict[str, str]) -> None:
    site = Site()
    site.entra.claims = dict(claims)
    assert_refused(site)


@pytest.mark.parametrize(
    "audience",
    [ABSENT, "", "00000000-0000-0000-0000-000000000000", CLIENT_ID + " ", [CLIENT_ID], [CLIENT_ID, "other"], [], 7, {}],
)
def test_foreign_or_missing_audience_is_refused(audience: object) -> None:
    site = Site()
    site.entra.claims = {"aud": audience}
    assert_refused(site)


@pytest.mark.parametrize("claim", ["sub", "oid", "tid", "iat", "exp"])
@pytest.mark.parametrize("value", [ABSENT, "", [], ["x"], {}, True, 1.5, "not-a-guid"])
def test_a_missing_or_mistyped_identity_claim_is_refused(claim: str, value: object) -> None:
    if (claim, value) == ("sub", "not-a-guid"):
        value = 7  # any text is a subject
    site = Site()
    site.entra.claims = {claim: value}
    assert_refused(site)


@pytest.mark.parametrize("claim", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", ["1767225600", 1e400, 10**30 * 1.0])
def test_a_time_that_is_no_whole_number_is_refused(claim: str, value: object) -> None:
    site = Site()
    site.entra.claims = {claim: value}
    browser, answer = finished(site)
    assert answer.status in (400, 502)
    assert site.store.calls == []
    assert browser.session is None


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"exp": -299}, 303),
        ({"exp": -301}, 400),
        ({"nbf": 299}, 303),
        ({"nbf": 301}, 400),
        ({"iat": 299}, 303),
        ({"iat": 301}, 400),
        ({"iat": 240, "nbf": 240, "exp": 3840}, 303),
        ({"iat": -240, "nbf": -240, "exp": 3360}, 303),
        ({"iat": 93_600, "nbf": 93_600, "exp": 97_200}, 400),
    ],
)
def test_an_expired_or_future_id_token_is_refused_beyond_300_seconds(claims: dict[str, int], status: int) -> None:
    site = Site()
    site.entra.claims = {name: int(site.clock.now()) + seconds for name, seconds in claims.items()}
    browser, answer = finished(site)
    assert answer.status == status
    assert (browser.session is None) == (status == 400)
    if status == 400:
        assert "clock" in answer.text, "the page names the clock"


@pytest.mark.parametrize("version", [ABSENT, "1.0", 2, 2.0])
def test_a_token_of_another_version_is_refused(version: object) -> None:
    site = Site()
    site.entra.claims = {"ver": version}
    assert_refused(site)


def test_the_same_name_in_two_tenants_is_two_people() -> None:
    site = Site()
    first = site.signed_in()
    second = site.signed_in(tid=OTHER_TENANT, iss=f"{HOST}/{OTHER_TENANT}/v2.0")
    assert first.fetch("/auth/me").json()["tenant_id"] == TENANT
    assert second.fetch("/auth/me").json()["tenant_id"] == OTHER_TENANT


def test_removing_a_tenant_ends_its_sessions_at_the_next_request() -> None:
    site = Site()
    browser = site.signed_in()
    after = Site(ENTRA_ALLOWED_TENANTS=OTHER_TENANT)
    after.store.rows.update(site.store.rows)
    browser.site = after
    assert browser.fetch("/auth/me").status == 401
    assert browser.fetch("/api/messages").status == 401


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": ABSENT},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": ["x"]},
        {"access_token": "bearer-with-é"},
        {"access_token": "two\r\nlines"},
        {"refresh_token": 7},
        {"refresh_token": ["x"]},
        {"expires_in": "soon"},
        {"expires_in": [3600]},
        {"expires_in": ABSENT},
    ],
)
def test_tokens_of_an_odd_shape_begin_no_session(answer: dict[str, Any]) -> None:
    site = Site()
    site.entra.answer = answer
    browser, seen = finished(site)
    assert (seen.status, seen.code) == (502, "entra_bad_answer")
    assert site.store.calls == []
    assert browser.jar == {}


@pytest.mark.parametrize("expires_in", ["3599", 3599, 3599.0])
def test_a_life_given_as_text_is_understood(expires_in: object) -> None:
    site = Site()
    site.entra.answer = {"expires_in": expires_in}
    browser, answer = finished(site)
    assert answer.status == 303
    assert browser.fetch("/api/messages").status == 200
    assert site.entra.grants == 1


@pytest.mark.parametrize("body", [[], "text", 7, None, {}])
def test_a_token_answer_that_is_no_object_is_a_bad_answer(body: object) -> None:
    site = Site()
    site.network.answer(site.entra.token_endpoint, json_answer(body))
    browser, answer = finished(site)
    assert (answer.status, answer.code) == (502, "entra_bad_answer")
    assert browser.jar == {}
