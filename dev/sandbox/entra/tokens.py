"""What a token answer is made of. Claims as in Microsoft's id-token-claims-reference and optional-claims-reference."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from dev.sandbox.entra.authorize import client_info
from dev.sandbox.entra.discovery import issuer_of
from dev.sandbox.entra.grants import SignIn
from dev.sandbox.entra.keys import base64url, sign, signing_keys
from dev.sandbox.entra.scopes import echo_scope, graph_scopes
from dev.sandbox.merge_patch import merge_patch
from dev.sandbox.options import CLIENT_ID
from dev.sandbox.world import World

ID_TOKEN_LIFETIME = 3900
BACKDATED = 300  # id_tokens say that they were issued five minutes ago, and so last 3600 seconds from now
LONG_LIVED = 7200


def token_answer(
    world: World,
    sign_in: SignIn,
    scopes: tuple[str, ...],
    form: Mapping[str, str],
    *,
    nonce: str | None,
    id_token_patch: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The JSON of a successful answer. RFC 6749 section 5.1."""
    person = sign_in.person
    # Scopes agreed to earlier come along, if they are of the same resource.
    granted = frozenset(scopes) | world.consents.get(person.key, frozenset())
    expires_in = _lifetime(world, person.kind, form.get("claims", ""))
    access_token = _access_token(world, sign_in, granted, expires_in)
    world.grants.add_access_token(access_token, sign_in, graph_scopes(granted), expires_in)
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": echo_scope(form.get("scope", ""), granted),
        "expires_in": str(expires_in) if world.settings.expires_in_as_string else expires_in,
        "ext_expires_in": expires_in,
        "access_token": access_token,
    }
    if expires_in >= LONG_LIVED:
        answer["refresh_in"] = expires_in // 2
    if "offline_access" in granted and world.settings.issue_refresh_token:
        answer["refresh_token"] = world.grants.new_refresh_token(sign_in, scopes).value
    if "openid" in granted:
        claims = _id_token_claims(world, sign_in, granted, nonce)
        answer["id_token"] = sign(merge_patch(claims, id_token_patch or {}))
        world.grants.remember_id_token(answer["id_token"])
    if form.get("client_info") == "1":
        answer["client_info"] = client_info(person)
    return answer


def _lifetime(world: World, kind: str, claims: str) -> int:
    if world.settings.expires_in is not None:
        return world.settings.expires_in
    if kind != "personal" and _has_cp1(claims):
        return 20 * 3600 + secrets.randbelow(8 * 3600)
    return 3599 + secrets.randbelow(1800)


def _has_cp1(claims: str) -> bool:
    try:
        values = json.loads(claims)["access_token"]["xms_cc"]["values"]
        return any(str(value).lower() == "cp1" for value in values)
    except (ValueError, KeyError, TypeError):
        return False


def _id_token_claims(world: World, sign_in: SignIn, scopes: frozenset[str], nonce: str | None) -> dict[str, Any]:
    issued_at = int(world.clock.now()) - BACKDATED
    own = dict(sign_in.person.claims)
    if "profile" not in scopes:
        for name in ("name", "oid", "preferred_username"):
            own.pop(name, None)
    if "email" not in scopes:
        own.pop("email", None)
    claims = {
        # First, so that the mark of a canary is to be seen in the encoded form.
        "rh": f"1.canary{secrets.token_urlsafe(24)}",
        "aud": CLIENT_ID,
        "iss": issuer_of(world, str(own.get("tid"))),
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + ID_TOKEN_LIFETIME,
        "aio": f"AXQAi/8canary{secrets.token_urlsafe(48)}",
        "auth_time": sign_in.auth_time,
        "sid": sign_in.sid,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return claims | own


def _access_token(world: World, sign_in: SignIn, scopes: frozenset[str], expires_in: int) -> str:
    """Work accounts get what looks like a JWT whose signature nobody outside can check, personal ones no JWT at all."""
    person = sign_in.person
    if person.kind == "personal":
        return f"EwBcanary{secrets.token_urlsafe(1150)}"
    issued_at = int(world.clock.now()) - BACKDATED
    header = {"typ": "JWT", "nonce": f"canary{secrets.token_urlsafe(24)}", "alg": "RS256", "kid": signing_keys()[0].kid}
    claims = {
        "rh": f"1.canary{secrets.token_urlsafe(24)}",
        "aud": "https://graph.microsoft.com",
        "iss": f"https://sts.windows.net/{person.claims.get('tid')}/",
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + BACKDATED + expires_in,
        "aio": f"AXQAi/8canary{secrets.token_urlsafe(300)}",
        "app_displayname": "Drawbridge",
        "appid": CLIENT_ID,
        "oid": person.claims.get("oid"),
        "scp": " ".join(sorted(scopes)),
        "sub": secrets.token_urlsafe(32),
        "tid": person.claims.get("tid"),
        "unique_name": person.username,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
        "xms_st": {"sub": secrets.token_urlsafe(400)},
    }
    segments = [base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
    return f"{segments[0]}.{segments[1]}.canary{secrets.token_urlsafe(252)}"
