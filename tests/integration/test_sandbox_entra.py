"""The imitation of Entra ID: MSAL Python, unmodified, over https; and the endpoint's own rules."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from dev.sandbox.options import CLIENT_ID
from dev.sandbox.people import GUEST_HOME_TENANT, PERSONAL_TENANT, TENANT_ID
from dev.sandbox.serving import Sandbox
from tests.support.sandbox_client import (
    Client,
    Reply,
    fetch,
    query_of,
)


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


def unpadded(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def discovery(sandbox: Sandbox, tenant: str) -> Reply:
    url = f"{sandbox.https_url}/{tenant}/v2.0/.well-known/openid-configuration"
    return fetch(url, ca_file=sandbox.ca_file)


def authorize(client: Client, change: dict[str, str | None]) -> Reply:
    parameters = query_of(client.begin()["auth_uri"]) | {"state": "a state, echoed as sent"} | change
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return fetch(f"{client.sandbox.http_url}/common/oauth2/v2.0/authorize?{query}")


def logout(sandbox: Sandbox, query: str) -> Reply:
    return fetch(f"{sandbox.http_url}/common/oauth2/v2.0/logout{query}")
