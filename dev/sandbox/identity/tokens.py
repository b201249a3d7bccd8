"""The tokens that the app's identity has been given, each for one resource."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from dev.sandbox.clock import SandboxClock
from dev.sandbox.entra.keys import sign
from dev.sandbox.options import IDENTITY_CLIENT_ID
from dev.sandbox.people import TENANT_ID

PRINCIPAL_ID = "6e1f0a52-9c3b-4d7e-8a41-2b5c7d9e0f13"
ASSERTION_AUDIENCE = "api://AzureADTokenExchange"
RESOURCES = ("https://vault.azure.net", "https://storage.azure.com", ASSERTION_AUDIENCE)
LIFETIME = 24 * 3600


class IdentityTokens:
    """App tokens of Entra's for a user-assigned identity. Each carries the mark that a test can scan for."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._claims: dict[str, Mapping[str, Any]] = {}

    @property
    def issued(self) -> list[str]:
        """Every token so far."""
        return list(self._claims)

    def new(self, resource: str, authority: str) -> tuple[str, int]:
        """A token for a resource, and when it expires (seconds since 1970).

        Those for Azure's own services are of Entra's first version, assertions of its second.
        """
        now, is_assertion = int(self._clock.now()), resource == ASSERTION_AUDIENCE
        claims = {
            "rh": f"1.canary{secrets.token_urlsafe(24)}",
            "aud": resource,
            "iss": f"{authority}/v2.0" if is_assertion else f"https://sts.windows.net/{TENANT_ID}/",
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
            "appid": IDENTITY_CLIENT_ID,
            "idtyp": "app",
            "oid": PRINCIPAL_ID,
            "sub": PRINCIPAL_ID,
            "tid": TENANT_ID,
            "uti": secrets.token_urlsafe(16),
            "ver": "2.0" if is_assertion else "1.0",
        }
        token = sign(claims)
        self._claims[token] = claims
        return token, now + LIFETIME

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """What a token says that was issued here; None for any other."""
        return self._claims.get(token)

    def is_good_for(self, token: str, resource: str) -> bool:
        """Whether a token is for this resource and has not expired."""
        claims = self.claims(token) or {}
        return claims.get("aud") == resource and self._clock.now() < claims.get("exp", 0)
