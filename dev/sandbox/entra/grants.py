"""What Entra has handed out: codes, refresh tokens, access tokens.

Every secret value carries a mark that a test can scan for: the word "canary", or where the value is base64url of JSON
its encoding "Y2FuYXJ5" (the word stands at an offset that is a multiple of three).
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.sandbox.clock import SandboxClock
from dev.sandbox.people import Person

CODE_LIFETIME = 600.0
REFRESH_TOKEN_LIFETIME = 90 * 24 * 3600.0


@dataclass(frozen=True)
class AuthorizationRequest:
    """A valid request to the authorize endpoint. RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID Connect Core."""

    tenant: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str
    prompt: str | None
    login_hint: str | None
    domain_hint: str | None
    client_info: bool
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SignIn:
    """One person's session at Entra; `sid` is also the session_state of the redirect.

    `claims` is what the person has proved, beyond being this account.
    """

    person: Person
    auth_time: int
    sid: str = field(default_factory=lambda: str(uuid.uuid4()))
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class PendingPage:
    """What a person is looking at: the choice of an account, then (with `sign_in`) questions for proof and consent."""

    request: AuthorizationRequest
    sign_in: SignIn | None = None

    @property
    def needs_proof(self) -> bool:
        """Whether claims were asked for that the person has not proved yet."""
        return self.sign_in is not None and self.sign_in.claims != self.request.claims


@dataclass
class AuthorizationCode:
    """A code waiting to be redeemed, for ten minutes and once."""

    value: str
    request: AuthorizationRequest
    sign_in: SignIn
    issued_at: float
    redeemed: bool = False


@dataclass
class RefreshToken:
    """Bound to person and client; stays valid when a newer one is issued."""

    value: str
    sign_in: SignIn
    scopes: tuple[str, ...]
    issued_at: float
    revoked: bool = False
    used: bool = False


@dataclass
class AccessToken:
    """For Graph. `ended`: expired before its time, by the control endpoint."""

    value: str
    person: Person
    scopes: frozenset[str]
    issued_at: float
    expires_at: float
    claims: Mapping[str, Any]
    ended: bool = False


class Grants:
    """Everything issued since the start; a reset forgets no token, so that sessions of the app survive it."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self.issued: list[str] = []
        self._codes: dict[str, AuthorizationCode] = {}
        self._refresh_tokens: dict[str, RefreshToken] = {}
        self._access_tokens: dict[str, AccessToken] = {}

    def new_code(self, request: AuthorizationRequest, sign_in: SignIn) -> AuthorizationCode:
        """A code, long as Entra's are."""
        prefix = "M.C5canary_BAY." if sign_in.person.kind == "personal" else "1.AcanaryXY"
        code = AuthorizationCode(_secret(prefix, 360), request, sign_in, self._clock.now())
        self._codes[self._remember(code.value)] = code
        return code

    def new_refresh_token(self, sign_in: SignIn, scopes: tuple[str, ...]) -> RefreshToken:
        """A refresh token, opaque, well over a kilobyte."""
        prefix = "M.C5canary_BAY.0.U." if sign_in.person.kind == "personal" else "1.AcanaryYA"
        token = RefreshToken(_secret(prefix, 960), sign_in, scopes, self._clock.now())
        self._refresh_tokens[self._remember(token.value)] = token
        return token

    def add_access_token(self, value: str, sign_in: SignIn, scopes: frozenset[str], expires_in: int) -> None:
        """Make Graph accept a token for so many seconds."""
        now = self._clock.now()
        token = AccessToken(self._remember(value), sign_in.person, scopes, now, now + expires_in, sign_in.claims)
        self._access_tokens[value] = token

    def remember_id_token(self, value: str) -> None:
        """List an id_token among the canaries."""
        self._remember(value)

    def code(self, value: str) -> AuthorizationCode | None:
        """The code of this value, spent or not."""
        return self._codes.get(value)

    def refresh_token(self, value: str) -> RefreshToken | None:
        """The refresh token of this value, dead or alive."""
        return self._refresh_tokens.get(value)

    def access_token(self, value: str) -> AccessToken | None:
        """The access token of this value, expired or not."""
        return self._access_tokens.get(value)

    def is_expired(self, token: AccessToken) -> bool:
        """Whether Graph refuses it."""
        return token.ended or token.expires_at <= self._clock.now()

    def expire(self, of: Callable[[Person], bool]) -> None:
        """End every access token issued so far to these people."""
        for token in self._access_tokens.values():
            token.ended = token.ended or of(token.person)

    def revoke(self, of: Callable[[Person], bool]) -> None:
        """Kill every refresh token issued so far to these people."""
        for token in self._refresh_tokens.values():
            token.revoked = token.revoked or of(token.sign_in.person)

    def reset(self) -> None:
        """Undo `expire` and `revoke`."""
        for access_token in self._access_tokens.values():
            access_token.ended = False
        for refresh_token in self._refresh_tokens.values():
            refresh_token.revoked = False
            refresh_token.used = False

    def _remember(self, value: str) -> str:
        self.issued.append(value)
        return value


def _secret(prefix: str, size: int) -> str:
    return f"{prefix}{secrets.token_urlsafe(size)}"
