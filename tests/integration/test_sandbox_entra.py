"""The imitation of Entra ID: MSAL Python, unmodified, over https; and the endpoint's own rules."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from dev.sandbox.options import CLIENT_ID
from dev.sandbox.people import GUEST_HOME_TENANT, PERSONAL_TENANT, TENANT_ID
from dev.sandbox.serving import Sandbox
from tests.support.sandbox_client import (
    OTHER_REDIRECT_URI,
    POST_LOGOUT_URI,
    REDIRECT_URI,
    Client,
    Reply,
    fetch,
    query_of,
)

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def unpadded(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(unpadded(token.split(".")[1]))
    return claims


@pytest.mark.parametrize("tenant", ["common", "common/", "organizations", TENANT_ID])
def test_msal_unmodified_signs_in_and_refreshes_over_https(lone_sandbox: Sandbox, tenant: str) -> None:
    client = Client(lone_sandbox, tenant)
    result = client.sign_in()
    assert result["id_token_claims"]["name"] == "Maren Solberg"
    assert result["token_type"] == "Bearer"
    for _ in range(2):
        refreshed = client.msal.acquire_token_by_refresh_token(result["refresh_token"], ["User.Read", "Mail.Read"])
        assert refreshed["access_token"] != result["access_token"]
        assert refreshed["refresh_token"] != result["refresh_token"]
        assert client.graph("/me", refreshed["access_token"]).status == 200
        result = refreshed


def test_msal_finds_the_account_again_and_refreshes_silently(client: Client) -> None:
    client.sign_in()
    account = client.msal.get_accounts()[0]
    assert account["username"] == "maren.solberg@fjordlight.example"
    cached = client.msal.acquire_token_silent(["Mail.Read"], account)
    assert cached["token_source"] == "cache"
    fresh = client.msal.acquire_token_silent(["Mail.Read"], account, force_refresh=True)
    assert fresh["token_source"] == "identity_provider"


def test_a_double_slash_in_the_path_is_accepted(lone_sandbox: Sandbox) -> None:
    assert discovery(lone_sandbox, "common/").json == discovery(lone_sandbox, "common").json


def test_discovery_of_common_has_the_template_as_issuer(lone_sandbox: Sandbox) -> None:
    document = discovery(lone_sandbox, "common").json
    assert document["issuer"] == f"{lone_sandbox.https_url}/{{tenantid}}/v2.0"
    assert document["token_endpoint"] == f"{lone_sandbox.https_url}/common/oauth2/v2.0/token"
    assert document["jwks_uri"] == f"{lone_sandbox.https_url}/common/discovery/v2.0/keys"
    assert document["authorization_endpoint"] == f"{lone_sandbox.http_url}/common/oauth2/v2.0/authorize"
    assert document["end_session_endpoint"] == f"{lone_sandbox.http_url}/common/oauth2/v2.0/logout"
    assert document["tenant_region_scope"] is None
    assert "code_challenge_methods_supported" not in document
    assert "revocation_endpoint" not in document


@pytest.mark.parametrize(
    ("asked", "in_issuer", "in_endpoints"),
    [
        ("organizations", "{tenantid}", "organizations"),
        ("consumers", PERSONAL_TENANT, "consumers"),
        (TENANT_ID, TENANT_ID, TENANT_ID),
        ("fjordlight.example", TENANT_ID, TENANT_ID),
    ],
)
def test_discovery_names_issuer_and_endpoints_per_tenant(
    lone_sandbox: Sandbox, asked: str, in_issuer: str, in_endpoints: str
) -> None:
    document = discovery(lone_sandbox, asked).json
    assert document["issuer"] == f"{lone_sandbox.https_url}/{in_issuer}/v2.0"
    assert document["token_endpoint"] == f"{lone_sandbox.https_url}/{in_endpoints}/oauth2/v2.0/token"


def test_an_unknown_tenant_is_400_with_aadsts90002(lone_sandbox: Sandbox) -> None:
    reply = discovery(lone_sandbox, "nowhere.example")
    assert (reply.status, reply.json["error_codes"]) == (400, [90002])
    with pytest.raises(ValueError, match="nowhere"):
        Client(lone_sandbox, "nowhere.example")


def test_instance_discovery_knows_this_host_and_refuses_strangers(lone_sandbox: Sandbox) -> None:
    url = f"{lone_sandbox.https_url}/common/discovery/instance?api-version=1.1&authorization_endpoint=https://"
    known = fetch(f"{url}localhost/common/oauth2/v2.0/authorize", ca_file=lone_sandbox.ca_file)
    assert known.json["tenant_discovery_endpoint"].endswith("/common/v2.0/.well-known/openid-configuration")
    strange = fetch(f"{url}evil.example/common/oauth2/v2.0/authorize", ca_file=lone_sandbox.ca_file)
    assert (strange.status, strange.json["error"]) == (400, "invalid_instance")


def test_the_id_token_is_signed_with_one_of_two_published_keys(client: Client) -> None:
    token = client.token(client.redeemable()).json["id_token"]
    url = f"{client.sandbox.https_url}/common/discovery/v2.0/keys"
    keys = fetch(url, ca_file=client.sandbox.ca_file).json["keys"]
    assert len(keys) == 2
    signed, _, signature = token.rpartition(".")
    header = json.loads(unpadded(signed.split(".")[0]))
    assert (header["typ"], header["alg"]) == ("JWT", "RS256")
    jwk = next(key for key in keys if key["kid"] == header["kid"])
    numbers = rsa.RSAPublicNumbers(int.from_bytes(unpadded(jwk["e"])), int.from_bytes(unpadded(jwk["n"])))
    numbers.public_key().verify(unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_work_account_gets_the_claims_of_its_tenant(client: Client) -> None:
    flow = client.begin()
    location = client.sandbox.control.sign_in(flow["auth_uri"], "work")
    claims = client.msal.acquire_token_by_auth_code_flow(flow, query_of(location))["id_token_claims"]
    assert claims["iss"] == f"{client.sandbox.https_url}/{TENANT_ID}/v2.0"
    assert (claims["aud"], claims["tid"], claims["ver"]) == (CLIENT_ID, TENANT_ID, "2.0")
    assert claims["exp"] - claims["iat"] == 3900
    assert claims["nbf"] == claims["iat"]
    # sid is the session_state of the redirect; nonce is what the authorization request carried: MSAL's hash.
    assert claims["sid"] == query_of(location)["session_state"]
    assert claims["nonce"] == query_of(flow["auth_uri"])["nonce"]
    assert claims["login_hint"] != claims["preferred_username"]
    assert "idp" not in claims


def test_a_guest_gets_a_token_of_this_tenant_that_names_home(client: Client) -> None:
    result = client.sign_in("guest")
    claims = result["id_token_claims"]
    assert claims["tid"] == TENANT_ID
    assert claims["idp"] == f"https://sts.windows.net/{GUEST_HOME_TENANT}/"
    home = json.loads(unpadded(result["client_info"]))
    assert home["utid"] == GUEST_HOME_TENANT
    assert home["uid"] != claims["oid"]
    assert result["access_token"].count(".") == 2


def test_a_personal_account_gets_an_opaque_token_and_the_personal_tenant(client: Client) -> None:
    result = client.sign_in("personal")
    claims = result["id_token_claims"]
    assert claims["tid"] == PERSONAL_TENANT
    assert claims["iss"].endswith(f"/{PERSONAL_TENANT}/v2.0")
    assert re.fullmatch(r"00000000-0000-0000-[0-9a-f]{4}-[0-9a-f]{12}", claims["oid"])
    assert claims["sub"].startswith("AAAAAAAA")
    assert result["access_token"].startswith("EwB")
    assert "." not in result["access_token"]


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


def refresh_form(client: Client) -> dict[str, str]:
    answer = client.token(client.redeemable()).json
    return {
        "client_id": CLIENT_ID,
        "client_secret": "sandbox-secret",
        "grant_type": "refresh_token",
        "refresh_token": answer["refresh_token"],
        "scope": "Mail.Read openid profile offline_access",
    }


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


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({"response_type": None}, "invalid_request", 900144),
        ({"response_mode": "form_post"}, "invalid_request", 90023),
        ({"prompt": "shout"}, "invalid_request", 90023),
        ({"prompt": "none"}, "login_required", 50058),
        ({"claims": "{not json"}, "invalid_request", 90023),
        ({"code_challenge": "short"}, "invalid_request", 50147),
        ({"code_challenge_method": "S512"}, "invalid_request", 501491),
        ({"scope": None}, "invalid_request", 900144),
        ({"scope": "openid Mail.Levitate"}, "invalid_client", 650053),
    ],
)
def test_authorize_sends_errors_back_with_the_state(
    client: Client, change: dict[str, str | None], error: str, code: int
) -> None:
    reply = authorize(client, change)
    assert reply.status == 302
    assert reply.headers["location"].startswith(f"{REDIRECT_URI}?")
    parameters = query_of(reply.headers["location"])
    assert (parameters["error"], parameters["state"]) == (error, "a state, echoed as sent")
    assert re.match(rf"AADSTS{code}: .+\r\nTrace ID: {GUID}\r\n", parameters["error_description"])
    assert parameters["error_uri"].endswith(f"code={code}")
    assert "%0D%0A" in reply.headers["location"].upper()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"redirect_uri": f"{REDIRECT_URI}/"}, 50011),
        ({"redirect_uri": REDIRECT_URI.upper()}, 50011),
        ({"redirect_uri": "https://evil.example/"}, 50011),
        ({"client_id": "22222222-2222-4222-8222-222222222222"}, 700016),
        ({"client_id": None}, 900144),
    ],
)
def test_authorize_shows_errors_that_it_cannot_trust_the_redirect_with(
    client: Client, change: dict[str, str | None], code: int
) -> None:
    reply = authorize(client, change)
    assert reply.status == 400
    assert "location" not in reply.headers
    assert f"AADSTS{code}" in reply.text


def test_logout_returns_to_a_registered_address_with_the_state(lone_sandbox: Sandbox) -> None:
    reply = logout(lone_sandbox, f"?post_logout_redirect_uri={POST_LOGOUT_URI}&state=a%20b")
    assert (reply.status, reply.headers["location"]) == (302, f"{POST_LOGOUT_URI}?state=a+b")


@pytest.mark.parametrize("query", ["", "?post_logout_redirect_uri=https://evil.example/"])
def test_logout_ends_on_a_page_where_nothing_is_registered(lone_sandbox: Sandbox, query: str) -> None:
    reply = logout(lone_sandbox, query)
    assert reply.status == 200
    assert "You signed out" in reply.text


def test_logout_can_be_told_to_end_on_a_page_as_for_personal_accounts(lone_sandbox: Sandbox) -> None:
    lone_sandbox.control.settings(logout_redirects=False)
    hint = lone_sandbox.control.person("personal")["login_hint"]
    reply = logout(lone_sandbox, f"?post_logout_redirect_uri={POST_LOGOUT_URI}&logout_hint={hint}")
    assert reply.status == 200
    assert "Inés Okafor" in reply.text


def test_logout_takes_a_form_too(lone_sandbox: Sandbox) -> None:
    reply = fetch(
        f"{lone_sandbox.http_url}/common/oauth2/v2.0/logout",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=f"post_logout_redirect_uri={POST_LOGOUT_URI}".encode(),
    )
    assert (reply.status, reply.headers["location"]) == (302, POST_LOGOUT_URI)


def discovery(sandbox: Sandbox, tenant: str) -> Reply:
    url = f"{sandbox.https_url}/{tenant}/v2.0/.well-known/openid-configuration"
    return fetch(url, ca_file=sandbox.ca_file)


def authorize(client: Client, change: dict[str, str | None]) -> Reply:
    parameters = query_of(client.begin()["auth_uri"]) | {"state": "a state, echoed as sent"} | change
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return fetch(f"{client.sandbox.http_url}/common/oauth2/v2.0/authorize?{query}")


def logout(sandbox: Sandbox, query: str) -> Reply:
    return fetch(f"{sandbox.http_url}/common/oauth2/v2.0/logout{query}")
