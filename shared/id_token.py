"""Whether an id_token proves who signed in. MSAL Python 1.38 and later leaves all of this to the app."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from shared import errors, log
from shared.session_rows import Identity

LEEWAY_SECONDS = 300
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class _Refused(Exception):
    """Names the claim that does not hold."""


def check_id_token(claims: object, *, client_id: str, issuer: str, nonce: str | None, now: float) -> Identity:
    """Who the id_token is about, once every claim holds.

    `issuer` is the discovery document's, where `{tenantid}` stands for the token's own tid; `nonce` is the value whose
    SHA-256 went to Entra. Times may differ by 300 s. For a refresh `nonce` is None: it carries none, and only says whom
    it is about, which a wrong clock of ours does not change.
    Raises errors.SignInRefused.

    OpenID Connect Core 3.1.3.7; https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
    """
    try:
        if not isinstance(claims, Mapping):
            raise _Refused("id_token")
        identity = _identity(claims)
        _check_origin(claims, client_id, issuer.replace("{tenantid}", identity.tenant_id))
        _check_nonce(claims, nonce)
    except _Refused as refused:
        log.event("id_token_refused", claim=str(refused))
        raise errors.SignInRefused from None
    if nonce is None:
        return identity
    try:
        _check_times(claims, now)
    except _Refused as refused:
        log.event("id_token_refused", claim=str(refused))
        raise errors.SignInRefused(
            "Microsoft's answer is dated too far from this app's own clock, so it cannot be accepted. Try again; "
            "if it keeps happening, the clock of the machine that runs the app is wrong."
        ) from None
    return identity


def home_account(client_info: object) -> str:
    """The account that a token answer is about, where it is at home: "uid.utid", empty where it does not say."""
    try:
        text = client_info if isinstance(client_info, str) else ""
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return f"{_text(found, 'uid')}.{_text(found, 'utid')}"[:256]
    except (binascii.Error, ValueError, RecursionError, AttributeError, _Refused):
        return ""


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise _Refused(name)
    return value


def _shown(claims: Mapping[str, Any], name: str, most: int = 256) -> str:
    value = claims.get(name)
    return value.encode("utf-8", "replace").decode()[:most] if isinstance(value, str) else ""


def _identity(claims: Mapping[str, Any]) -> Identity:
    tenant_id, object_id = _text(claims, "tid"), _text(claims, "oid")
    for name, value in (("tid", tenant_id), ("oid", object_id)):
        if not _GUID.fullmatch(value):
            raise _Refused(name)
    return Identity(
        tenant_id=tenant_id,
        object_id=object_id,
        subject=_text(claims, "sub"),
        name=_shown(claims, "name"),
        preferred_username=_shown(claims, "preferred_username"),
        login_hint=_shown(claims, "login_hint", 1024),
        sid=_shown(claims, "sid"),
    )


def _check_origin(claims: Mapping[str, Any], client_id: str, issuer: str) -> None:
    if _text(claims, "iss") != issuer:
        raise _Refused("iss")
    audience = claims.get("aud")
    if isinstance(audience, list) and client_id in audience and claims.get("azp") == client_id:
        audience = client_id
    if audience != client_id:
        raise _Refused("aud")
    if claims.get("ver") != "2.0":
        raise _Refused("ver")


def _check_nonce(claims: Mapping[str, Any], nonce: str | None) -> None:
    if nonce is None:
        return
    expected = hashlib.sha256(nonce.encode()).hexdigest()
    if not hmac.compare_digest(_text(claims, "nonce").encode(), expected.encode()):
        raise _Refused("nonce")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name)
        if value is None and name == "nbf":
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise _Refused(name)
        if value + LEEWAY_SECONDS <= now if name == "exp" else value - LEEWAY_SECONDS > now:
            raise _Refused(name)
