"""OpenID configuration, instance discovery and the key document."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.sandbox.entra.errors import EntraError, error_response, tenant_not_found
from dev.sandbox.entra.keys import signing_keys
from dev.sandbox.people import PERSONAL_TENANT, TENANT_DOMAIN, TENANT_ID
from dev.sandbox.world import World, world_of

_REAL_HOSTS = ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net")
_CLAIMS = (
    *("sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host"),
    *("aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver"),
    *("at_hash", "c_hash", "email"),
)


def routes() -> list[Route]:
    """The documents that nobody has to sign in for."""
    return [
        Route("/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration),
        Route("/common/discovery/instance", instance_discovery),
        Route("/{tenant}/discovery/v2.0/keys", keys),
    ]


def tenant_in_endpoints(tenant: str) -> str:
    """The tenant as the endpoints carry it: a domain name becomes its GUID. Raises EntraError 90002."""
    known = {name: name for name in ("common", "organizations", "consumers", TENANT_ID)}
    known |= {TENANT_DOMAIN: TENANT_ID, PERSONAL_TENANT: "consumers"}
    try:
        return known[tenant.lower()]
    except KeyError:
        raise tenant_not_found(tenant) from None


def issuer_of(world: World, tenant_id: str) -> str:
    """The issuer of tokens for people of a tenant."""
    return f"{world.https_url}/{tenant_id}/v2.0"


async def openid_configuration(request: Request) -> Response:
    """The discovery document; for an unknown tenant 400 with AADSTS90002."""
    world = world_of(request)
    try:
        tenant = tenant_in_endpoints(request.path_params["tenant"])
    except EntraError as error:
        return error_response(error, world.clock.now(), request.headers.get("client-request-id"))
    return JSONResponse(_configuration(world, tenant), headers={"Access-Control-Allow-Origin": "*"})


def _configuration(world: World, tenant: str) -> dict[str, Any]:
    issuer_tenant = {"common": "{tenantid}", "organizations": "{tenantid}", "consumers": PERSONAL_TENANT}
    back_channel, pages = f"{world.https_url}/{tenant}", f"{world.http_url}/{tenant}"
    return {
        "token_endpoint": f"{back_channel}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{back_channel}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer_of(world, issuer_tenant.get(tenant, tenant)),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{world.https_url}/oidc/userinfo",
        "authorization_endpoint": f"{pages}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{back_channel}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{pages}/oauth2/v2.0/logout",
        "claims_supported": list(_CLAIMS),
        "kerberos_endpoint": f"{back_channel}/kerberos",
        "tenant_region_scope": "EU" if tenant == TENANT_ID else None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }


async def instance_discovery(request: Request) -> Response:
    """Which host names are one authority. AADSTS50049 for a host that is not this one's."""
    world = world_of(request)
    asked = request.query_params.get("authorization_endpoint", "")
    host = asked.removeprefix("https://").partition("/")[0].partition(":")[0]
    if host not in (*_REAL_HOSTS, "localhost", "127.0.0.1"):
        error = EntraError(50049, "invalid_instance", "Unknown or invalid instance.")
        return error_response(error, world.clock.now(), request.headers.get("client-request-id"))
    aliases = {"preferred_network": "localhost", "preferred_cache": "localhost", "aliases": ["localhost", "127.0.0.1"]}
    return JSONResponse(
        {
            "tenant_discovery_endpoint": f"{world.https_url}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [aliases],
        }
    )


async def keys(request: Request) -> Response:
    """The key document: two keys, with the issuer they sign for."""
    world = world_of(request)
    issuer = issuer_of(world, PERSONAL_TENANT if request.path_params["tenant"] == "consumers" else "{tenantid}")
    return JSONResponse({"keys": [key.public_jwk(issuer) for key in signing_keys()]})
