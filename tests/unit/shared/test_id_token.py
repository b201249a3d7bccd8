"""Which id_tokens prove who signed in."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from typing import Any

import pytest

from shared import errors
from shared.id_token import check_id_token, home_account
from shared.session_rows import Identity

CLIENT_ID = "11111111-1111-4111-8111-111111111111"
TENANT = "22222222-2222-4222-8222-22222222abcd"
NONCE = "nonce-of-this-sign-in"
ISSUER = "https://login.microsoftonline.com/{tenantid}/v2.0"
NOW = 1_767_225_600

GOOD: dict[str, Any] = {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "aud": CLIENT_ID,
    "exp": NOW + 3600,
    "iat": NOW,
    "nbf": NOW,
    "ver": "2.0",
    "tid": TENANT,
    "oid": "33333333-3333-4333-8333-333333333333",
    "sub": "subject",
    "nonce": hashlib.sha256(NONCE.encode()).hexdigest(),
}


def check(nonce: str | None = NONCE, issuer: str = ISSUER, **changes: Any) -> Identity:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return check_id_token(claims, client_id=CLIENT_ID, issuer=issuer, nonce=nonce, now=NOW)


def test_a_token_whose_every_claim_holds_names_the_person() -> None:
    found = check(name="Ada", preferred_username="ada@contoso.example", login_hint="hint", sid="sid")
    assert found == Identity(TENANT, GOOD["oid"], "subject", "Ada", "ada@contoso.example", login_hint="hint", sid="sid")


def test_what_is_only_for_showing_may_be_missing() -> None:
    assert check() == Identity(TENANT, GOOD["oid"], "subject")


@pytest.mark.parametrize("claims", [None, "", "text", [], 7, True, {}])
def test_no_claims_are_no_proof(claims: object) -> None:
    with pytest.raises(errors.SignInRefused):
        check_id_token(claims, client_id=CLIENT_ID, issuer=ISSUER, nonce=None, now=NOW)


def test_the_nonce_is_compared_as_its_sha256() -> None:
    with pytest.raises(errors.SignInRefused):
        check(nonce=NONCE + "x")
    with pytest.raises(errors.SignInRefused):
        check_claim("nonce", NONCE)


def check_claim(name: str, value: object) -> Identity:
    claims = {**GOOD, name: value}
    return check_id_token(claims, client_id=CLIENT_ID, issuer=ISSUER, nonce=NONCE, now=NOW)


@pytest.mark.parametrize("value", [None, "", "x", NONCE, 7, [], GOOD["nonce"].upper(), GOOD["nonce"] + " ", "é"])
def test_wrong_or_missing_nonce_is_refused(value: object) -> None:
    with pytest.raises(errors.SignInRefused):
        check_claim("nonce", value)


def test_a_refresh_carries_no_nonce_and_needs_none() -> None:
    claims = {name: value for name, value in GOOD.items() if name != "nonce"}
    assert check_id_token(claims, client_id=CLIENT_ID, issuer=ISSUER, nonce=None, now=NOW).tenant_id == TENANT


def test_an_issuer_without_a_place_for_the_tenant_is_compared_as_it_is() -> None:
    fixed = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert check(issuer=fixed).tenant_id == TENANT
    with pytest.raises(errors.SignInRefused):
        check(issuer=fixed.replace("2222", "4444", 1))


def test_an_authority_of_one_tenant_accepts_no_other_tenants_token() -> None:
    fixed = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    other = "aaaaaaaa-0000-4000-8000-000000000001"
    with pytest.raises(errors.SignInRefused):
        check(issuer=fixed, tid=other, iss=f"https://login.microsoftonline.com/{other}/v2.0")


@pytest.mark.parametrize(
    "tenant", ["../evil", "{tenantid}", TENANT.upper(), TENANT + "/..", "common", "\n" + TENANT, TENANT + "\n"]
)
def test_a_tenant_that_is_no_guid_never_becomes_part_of_an_issuer(tenant: str) -> None:
    with pytest.raises(errors.SignInRefused):
        check(tid=tenant, iss=ISSUER.replace("{tenantid}", tenant))


@pytest.mark.parametrize(
    ("audience", "azp", "accepted"),
    [
        (CLIENT_ID, None, True),
        ([CLIENT_ID], CLIENT_ID, True),
        (["other", CLIENT_ID], CLIENT_ID, True),
        ([CLIENT_ID], None, False),
        ([CLIENT_ID, "other"], "other", False),
        (["other"], CLIENT_ID, False),
        ([], CLIENT_ID, False),
        ({CLIENT_ID: 1}, CLIENT_ID, False),
        (CLIENT_ID.replace("1", "2"), CLIENT_ID, False),
    ],
)
def test_the_audience_is_us_alone_or_a_list_whose_authorized_party_we_are(
    audience: object, azp: str | None, accepted: bool
) -> None:
    if accepted:
        assert check(aud=audience, azp=azp).tenant_id == TENANT
    else:
        with pytest.raises(errors.SignInRefused):
            check(aud=audience, azp=azp)


@pytest.mark.parametrize(
    ("claim", "offset", "accepted"),
    [
        ("exp", -299, True),
        ("exp", -300, False),
        ("exp", -301, False),
        ("nbf", 299, True),
        ("nbf", 300, True),
        ("nbf", 301, False),
        ("iat", 299, True),
        ("iat", 301, False),
        ("iat", -86_400, True),
    ],
)
def test_clocks_may_differ_by_300_seconds_and_no_more(claim: str, offset: int, accepted: bool) -> None:
    if accepted:
        assert check_claim(claim, NOW + offset).tenant_id == TENANT
    else:
        with pytest.raises(errors.SignInRefused) as raised:
            check_claim(claim, NOW + offset)
        assert "clock" in raised.value.detail


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [True, "1767225600", 1767225600.5, [NOW], {}, float("inf")])
def test_a_time_must_be_a_whole_number(claim: str, value: object) -> None:
    with pytest.raises(errors.SignInRefused):
        check_claim(claim, value)


def test_not_before_alone_may_be_missing() -> None:
    assert check(nbf=None).tenant_id == TENANT
    for claim in ("exp", "iat"):
        with pytest.raises(errors.SignInRefused):
            check_claim(claim, None)


def test_names_are_cut_and_mended_so_that_they_can_be_stored_and_shown() -> None:
    found = check(name="x" * 1000, preferred_username="\ud83d", login_hint="h" * 2000, sid=7)
    assert (len(found.name), found.preferred_username, len(found.login_hint), found.sid) == (256, "?", 1024, "")


def test_the_log_names_the_claim_and_not_its_value(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.SignInRefused):
        check_claim("iss", "canary")
    assert [json.loads(record.getMessage()) for record in caplog.records] == [
        {"event": "id_token_refused", "claim": "iss"}
    ]


def info(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("client_info", "account"),
    [
        (info({"uid": "person", "utid": "home"}), "person.home"),
        (info({"uid": "person"}), ""),
        (info({"uid": 7, "utid": "home"}), ""),
        (info({"uid": "", "utid": "home"}), ""),
        (info(["person", "home"]), ""),
        (info("person.home"), ""),
        (info(None), ""),
        ("é", ""),
        ("a", ""),
        ("", ""),
        (None, ""),
        (7, ""),
        (base64.urlsafe_b64encode(b"[" * 9000).decode(), ""),
    ],
)
def test_the_home_account_is_read_from_client_info_or_not_at_all(client_info: object, account: str) -> None:
    assert home_account(client_info) == account
