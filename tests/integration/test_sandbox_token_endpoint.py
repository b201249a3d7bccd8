"""The token endpoint: what it answers, what it refuses and with which body."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from dev.sandbox.options import CLIENT_ID
from tests.support.sandbox_client import (
    OTHER_REDIRECT_URI,
    Client,
    fetch,
)

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_name_and_email_follow_the_scopes(client: Client) -> None:
    form = client.redeemable("work") | {"scope": "openid User.Read"}
    client.sandbox.control.reset()  # nothing agreed to earlier comes along
    claims = claims_of(client.token(form).json["id_token"])
    assert not {"name", "preferred_username", "oid", "email"} & set(claims)
    assert claims["sub"]


def test_a_token_answer_has_entras_headers_and_fields(client: Client) -> None:
    reply = client.token(client.redeemable())
    assert reply.headers["cache-control"] == "no-store, no-cache"
    assert reply.headers["pragma"] == "no-cache"
    assert reply.headers["expires"] == "-1"
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert re.fullmatch(GUID, reply.headers["x-ms-request-id"])
    answer = reply.json
    assert {"token_type", "scope", "expires_in", "ext_expires_in", "access_token"} <= set(answer)
    assert "client_info" not in answer
    assert 3599 <= answer["expires_in"] <= 5399


def test_scopes_are_echoed_in_another_order_without_offline_access(client: Client) -> None:
    form = client.redeemable() | {"scope": "offline_access profile User.Read openid Mail.Read"}
    assert client.token(form).json["scope"] == "Mail.Read User.Read openid profile"


def test_qualified_scopes_are_echoed_qualified(client: Client) -> None:
    form = client.redeemable() | {"scope": "openid https://graph.microsoft.com/Mail.Read"}
    assert "https://graph.microsoft.com/Mail.Read" in client.token(form).json["scope"].split()
    form = client.redeemable() | {"scope": "openid https://graph.microsoft.com/.default"}
    scope = client.token(form).json["scope"].split()
    assert {"https://graph.microsoft.com/Mail.Read", "https://graph.microsoft.com/.default"} <= set(scope)


def test_without_offline_access_or_openid_their_tokens_are_missing(client: Client) -> None:
    form = client.redeemable() | {"scope": "Mail.Read"}
    client.sandbox.control.reset()
    answer = client.token(form).json
    assert "refresh_token" not in answer
    assert "id_token" not in answer


def test_a_client_with_cp1_gets_a_long_lived_token(client: Client) -> None:
    claims = json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}})
    answer = client.token(client.redeemable() | {"claims": claims}).json
    assert 20 * 3600 <= answer["expires_in"] <= 28 * 3600
    assert answer["refresh_in"] == answer["expires_in"] // 2


def test_settings_shape_the_token_answer(client: Client) -> None:
    client.sandbox.control.settings(expires_in=3599, expires_in_as_string=True, issue_refresh_token=False)
    answer = client.token(client.redeemable()).json
    assert answer["expires_in"] == "3599"
    assert "refresh_token" not in answer


@pytest.mark.parametrize(
    ("change", "status", "error", "code"),
    [
        ({"code": "1.unknown"}, 400, "invalid_grant", 70000),
        ({"code_verifier": "x" * 43}, 400, "invalid_grant", 501481),
        ({"code_verifier": None}, 400, "invalid_grant", 50148),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "22222222-2222-4222-8222-222222222222"}, 400, "unauthorized_client", 700016),
        ({"redirect_uri": OTHER_REDIRECT_URI}, 400, "invalid_client", 50011),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"grant_type": None}, 400, "invalid_request", 900144),
        ({"code": None}, 400, "invalid_request", 900144),
        ({"redirect_uri": None}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "Mail.Levitate"}, 400, "invalid_client", 650053),
        ({"scope": "Mail.Read https://graph.microsoft.com/.default"}, 400, "invalid_scope", 70011),
    ],
)
def test_the_token_endpoint_refuses_with_entras_body(
    client: Client, change: dict[str, str | None], status: int, error: str, code: int
) -> None:
    form = {name: value for name, value in (client.redeemable() | change).items() if value is not None}
    correlation_id = "5b4b7c3f-2d5e-4f29-8f0a-6a3c1c0b7a11"
    reply = client.token(form, {"client-request-id": correlation_id})
    body = reply.json
    assert (reply.status, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert f"Trace ID: {body['trace_id']} Correlation ID: {correlation_id} Timestamp:" in body["error_description"]
    assert body["correlation_id"] == correlation_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])
    assert body["trace_id"].endswith("00")
    assert reply.headers["x-ms-request-id"] == body["trace_id"]


def test_a_refused_code_is_not_spent(client: Client) -> None:
    form = client.redeemable()
    assert client.token(form | {"client_secret": "wrong"}).status == 401
    assert client.token(form).status == 200


def test_a_code_is_good_for_one_use(client: Client) -> None:
    form = client.redeemable()
    assert client.token(form).status == 200
    assert client.token(form).json["error_codes"] == [54005]


def test_a_code_is_good_for_ten_minutes(client: Client) -> None:
    first, second = client.redeemable(), client.redeemable()
    client.sandbox.control.clock(595)
    assert client.token(first).status == 200
    client.sandbox.control.clock(601)
    assert client.token(second).json["error_codes"] == [70008]


def test_a_code_belongs_to_the_authority_that_issued_it(client: Client) -> None:
    form = client.redeemable()
    assert Client(client.sandbox, "organizations").token(form).json["error_codes"] == [700005]


def test_client_secret_basic_is_accepted_too(client: Client) -> None:
    form = client.redeemable()
    secret = form.pop("client_secret")
    credentials = base64.b64encode(f"{form.pop('client_id')}:{secret}".encode()).decode()
    assert client.token(form, {"Authorization": f"Basic {credentials}"}).status == 200


def test_the_token_endpoint_takes_post_only(client: Client) -> None:
    reply = fetch(client.token_endpoint, ca_file=client.sandbox.ca_file)
    assert (reply.status, reply.json["error_codes"]) == (400, [900561])


def test_an_older_refresh_token_stays_valid(client: Client) -> None:
    form = refresh_form(client)
    assert client.token(form).json["refresh_token"] != client.token(form).json["refresh_token"]


def test_refresh_tokens_can_be_made_good_for_one_use(client: Client) -> None:
    client.sandbox.control.settings(one_use_refresh_tokens=True)
    form = refresh_form(client)
    assert client.token(form).status == 200
    assert client.token(form).json["error"] == "invalid_grant"


def test_a_revoked_refresh_token_says_bad_token(client: Client) -> None:
    form = refresh_form(client)
    client.sandbox.control.revoke("guest")
    assert client.token(form).status == 200
    client.sandbox.control.revoke("work")
    reply = client.token(form)
    assert (reply.status, reply.json["error"], reply.json["suberror"]) == (400, "invalid_grant", "bad_token")
    assert reply.json["error_codes"] == [50173]
    assert client.token(refresh_form(client)).status == 200


@pytest.mark.parametrize(
    ("change", "error", "code", "suberror"),
    [
        ({"refresh_token": "garbled"}, "invalid_grant", 9002313, None),
        ({"refresh_token": ""}, "invalid_request", 900144, None),
        ({"scope": ""}, "invalid_request", 90009, None),
        ({"scope": "Mail.Send openid"}, "invalid_grant", 65001, "consent_required"),
    ],
)
def test_a_refresh_is_refused_with_entras_body(
    client: Client, change: dict[str, str], error: str, code: int, suberror: str | None
) -> None:
    body = client.token(refresh_form(client) | change).json
    assert (body["error"], body["error_codes"], body.get("suberror")) == (error, [code], suberror)


def test_a_refresh_token_dies_after_ninety_days(client: Client) -> None:
    form = refresh_form(client)
    client.sandbox.control.clock(91 * 24 * 3600)
    assert client.token(form).json["error_codes"] == [700082]


def unpadded(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(unpadded(token.split(".")[1]))
    return claims


def refresh_form(client: Client) -> dict[str, str]:
    answer = client.token(client.redeemable()).json
    return {
        "client_id": CLIENT_ID,
        "client_secret": "sandbox-secret",
        "grant_type": "refresh_token",
        "refresh_token": answer["refresh_token"],
        "scope": "Mail.Read openid profile offline_access",
    }
