"""Entra's answers as the app meets them on the wire: discovery, and a token endpoint that knows its codes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from shared.clock import Clock
from shared.wire import Answer
from tests.fakes.network import FakeNetwork, Request, json_answer

HOST = "https://login.microsoftonline.com"
CLIENT_ID = "11111111-1111-4111-8111-111111111111"
TENANT = "22222222-2222-4222-8222-222222222222"
PERSON = "33333333-3333-4333-8333-333333333333"


def jwt(claims: Mapping[str, Any]) -> str:
    """Three parts with a signature of nobody's: MSAL takes what came over TLS from the token endpoint itself."""
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{head}.{body}.c2lnbmF0dXJl"


class FakeEntra:
    """Answers discovery and token requests on a FakeNetwork.

    `claims` and `answer` are merged into each id_token and token answer; a value of None takes the field away.
    """

    def __init__(self, network: FakeNetwork, clock: Clock, authority: str = f"{HOST}/common") -> None:
        self.network = network
        self.clock = clock
        self.authority = authority
        self.claims: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.grants = 0
        self._nonces: dict[str, str] = {}
        network.answer(f"{authority}/v2.0/.well-known/openid-configuration", json_answer(self.discovery()))
        network.answer(self.token_endpoint, self._token)

    @property
    def token_endpoint(self) -> str:
        return f"{self.authority}/oauth2/v2.0/token"

    def discovery(self) -> dict[str, Any]:
        """The discovery document of an authority for several tenants."""
        return {
            "issuer": f"{HOST}/{{tenantid}}/v2.0",
            "authorization_endpoint": f"{self.authority}/oauth2/v2.0/authorize",
            "token_endpoint": self.token_endpoint,
            "end_session_endpoint": f"{self.authority}/oauth2/v2.0/logout",
            "jwks_uri": f"{self.authority}/discovery/v2.0/keys",
        }

    def sign_in(self, location: str) -> str:
        """What a person does at the address that auth/login redirected to; gives back the address of the callback."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = f"code-{len(self._nonces)}"
        self._nonces[code] = query["nonce"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token_answer(self, nonce: str | None = None) -> dict[str, Any]:
        """The next answer of the token endpoint."""
        now = int(self.clock.now())
        claims = {
            "iss": f"{HOST}/{TENANT}/v2.0",
            "aud": CLIENT_ID,
            "exp": now + 3600,
            "iat": now,
            "nbf": now,
            "ver": "2.0",
            "tid": TENANT,
            "oid": PERSON,
            "sub": "subject",
            "name": "Ada Lovelace",
            "preferred_username": "ada@contoso.example",
            "login_hint": "hint-of-ada",
            "sid": "sid-of-ada",
            "nonce": nonce,
        }
        answer = {
            "token_type": "Bearer",
            "scope": "User.Read Mail.Read",
            "expires_in": 3600,
            "access_token": f"access-{self.grants}",
            "refresh_token": f"refresh-{self.grants}",
            "id_token": jwt(_merged(claims, self.claims)),
        }
        return _merged(answer, self.answer)

    def _token(self, request: Request) -> Answer:
        self.grants += 1
        if request.form["grant_type"] != "authorization_code":
            return json_answer(self.token_answer())
        nonce = self._nonces.pop(request.form["code"], None)
        if nonce is None:
            return refusal("invalid_grant", 54005)
        return json_answer(self.token_answer(nonce))


def refusal(error: str, number: int = 0, *, suberror: str = "", **fields: Any) -> Answer:
    """An error of the token endpoint, as Entra words it."""
    body = {
        "error": error,
        "error_description": f"AADSTS{number}: no.\r\nTrace ID: 1",
        "error_codes": [number],
        **fields,
    }
    return json_answer({**body, "suberror": suberror} if suberror else body, 400)


def _merged(whole: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}
