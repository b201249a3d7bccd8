"""The token endpoint: authorization_code and refresh_token. RFC 6749 sections 4.1.3 and 6, RFC 7636 section 4.6."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.sandbox.demands import parsed_claims
from dev.sandbox.entra.client_authentication import check_client
from dev.sandbox.entra.discovery import tenant_in_endpoints
from dev.sandbox.entra.errors import (
    EntraError,
    error_response,
    missing_parameter,
    new_trace_id,
    token_endpoint_headers,
    unknown_client,
)
from dev.sandbox.entra.grants import CODE_LIFETIME, REFRESH_TOKEN_LIFETIME, AuthorizationCode, RefreshToken
from dev.sandbox.entra.scopes import graph_scopes, parse_scopes
from dev.sandbox.entra.tokens import token_answer
from dev.sandbox.options import CLIENT_ID
from dev.sandbox.world import World, world_of


def routes() -> list[Route]:
    """POST is the only method that gets further than AADSTS900561."""
    return [Route("/{tenant}/oauth2/v2.0/token", token, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])]


async def token(request: Request) -> Response:
    """Redeem a code or a refresh token."""
    world = world_of(request)
    form: dict[str, str] = request.state.form
    await world.pauses.pause(world.settings.token_delay)
    try:
        tenant = tenant_in_endpoints(request.path_params["tenant"])
        if request.method != "POST":
            text = f"The endpoint only accepts POST requests. Received a {request.method} request."
            raise EntraError(900561, "invalid_request", text)
        answer = _redeem(world, tenant, _with_basic(form, request.headers), request)
    except EntraError as error:
        return error_response(error, world.clock.now(), request.headers.get("client-request-id"))
    return JSONResponse(answer, headers=token_endpoint_headers(new_trace_id()))


def _with_basic(form: dict[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """client_secret_basic, for clients that prefer it to client_secret_post. RFC 6749 section 2.3.1."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form
    client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
    return {"client_id": unquote(client_id), "client_secret": unquote(client_secret)} | form


def _redeem(world: World, tenant: str, form: Mapping[str, str], request: Request) -> dict[str, object]:
    for name in ("client_id", "grant_type"):
        if not form.get(name):
            raise missing_parameter(name)
    if form["client_id"].lower() != CLIENT_ID:
        raise unknown_client(form["client_id"], tenant)
    if form["grant_type"] not in ("authorization_code", "refresh_token"):
        text = f"The app has made an unsupported grant type request: '{form['grant_type']}'."
        raise EntraError(70003, "unsupported_grant_type", text)
    id_token_patch = getattr(request.state, "id_token_patch", None)
    if form["grant_type"] == "authorization_code":
        code = _check_code(world, tenant, form)
        scopes = parse_scopes(form["scope"]) if form.get("scope") else code.request.scopes
        form = {"scope": " ".join(scopes)} | dict(form)
        nonce = code.request.nonce
        answer = token_answer(world, code.sign_in, scopes, form, nonce=nonce, id_token_patch=id_token_patch)
        code.redeemed = True
        return answer
    return _refresh(world, form, id_token_patch)


def _check_code(world: World, tenant: str, form: Mapping[str, str]) -> AuthorizationCode:
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise missing_parameter(name)
    check_client(world, form)
    code = world.grants.code(form["code"])
    if code is None:
        text = "The provided authorization code is invalid or malformed."
        raise EntraError(70000, "invalid_grant", text)
    if code.redeemed:
        text = (
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
            "refresh token."
        )
        raise EntraError(54005, "invalid_grant", text)
    if code.issued_at + CODE_LIFETIME <= world.clock.now():
        text = "The provided authorization code or refresh token has expired due to inactivity."
        raise EntraError(70008, "invalid_grant", text)
    if code.request.tenant != tenant:
        text = "Provided Authorization Code is intended to use against other tenant."
        raise EntraError(700005, "invalid_grant", text)
    if form["redirect_uri"] != code.request.redirect_uri:
        text = "The redirect URI in the request does not match the one of the authorization request."
        raise EntraError(50011, "invalid_client", text)
    _check_verifier(code, form.get("code_verifier"))
    return code


def _check_verifier(code: AuthorizationCode, verifier: str | None) -> None:
    challenge = code.request.code_challenge
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None:
        text = "The code_verifier does not match the code_challenge supplied in the authorization request."
        raise EntraError(50148, "invalid_grant", text)
    derived = verifier
    if code.request.code_challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        derived = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if derived != challenge:
        text = "The Code_Verifier does not match the code_challenge supplied in the authorization request."
        raise EntraError(501481, "invalid_grant", text)


def _check_demands(world: World, held: RefreshToken, form: Mapping[str, str]) -> None:
    demand = world.demands.of_refresh(held, parsed_claims(form.get("claims")))
    if demand is not None and demand.error is not None:
        text = (
            "Due to a configuration change made by your administrator, or because you moved to a new location, you "
            "must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'."
        )
        raise EntraError(50076, demand.error, text, suberror="basic_action", claims=demand.text)


def _refresh(world: World, form: Mapping[str, str], id_token_patch: Mapping[str, object] | None) -> dict[str, object]:
    if not form.get("refresh_token"):
        raise missing_parameter("refresh_token")
    check_client(world, form)
    held = world.grants.refresh_token(form["refresh_token"])
    if held is None:
        text = "The request was malformed: the refresh token is not in the expected format."
        raise EntraError(9002313, "invalid_grant", text)
    if held.revoked:
        text = (
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
            "changed or reset their password."
        )
        raise EntraError(50173, "invalid_grant", text, suberror="bad_token")
    if held.issued_at + REFRESH_TOKEN_LIFETIME <= world.clock.now():
        text = "The refresh token has expired due to inactivity."
        raise EntraError(700082, "invalid_grant", text, suberror="bad_token")
    if held.used and world.settings.one_use_refresh_tokens:
        raise EntraError(70000, "invalid_grant", "The refresh token was already used.", suberror="bad_token")
    _check_demands(world, held, form)
    if not form.get("scope"):
        text = f"Application '{CLIENT_ID}' is requesting a token for itself."
        raise EntraError(90009, "invalid_request", text)
    scopes = parse_scopes(form["scope"])
    agreed = frozenset(held.scopes) | world.consents.get(held.sign_in.person.key, frozenset())
    if not graph_scopes(scopes) <= agreed:
        text = f"The user or administrator has not consented to use the application with ID '{CLIENT_ID}'."
        raise EntraError(65001, "invalid_grant", text, suberror="consent_required")
    held.used = True
    return token_answer(world, held.sign_in, scopes, form, nonce=None, id_token_patch=id_token_patch)
