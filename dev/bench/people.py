"""Signed-in people without a sign-in: sessions begun with made-up identities and tokens, one mailbox each."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from uuid import uuid4

from shared.clock import Deadline
from shared.secret import Secret
from shared.services import Services
from shared.session_rows import Identity, Tokens

_SECONDS = 30.0
_LIFETIME = 86400  # of the tokens, in seconds: nobody refreshes while we measure
# Bytes of randomness: in base64 near 2.2 KB and 1.6 KB, as Entra's tokens are.
_ACCESS_TOKEN_BYTES = 1650
_REFRESH_TOKEN_BYTES = 1200


@dataclass(frozen=True)
class Person:
    """`cookie` is the session cookie's value, `partition` and `key` are those of its row."""

    cookie: str
    partition: str
    key: str
    access_token: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def sign_in(services: Services, count: int) -> list[Person]:
    """So many people, each with a session of their own."""
    return [_sign_in(services, number) for number in range(count)]


def _sign_in(services: Services, number: int) -> Person:
    identity = Identity(
        tenant_id=str(uuid4()),
        object_id=str(uuid4()),
        subject=secrets.token_urlsafe(32),
        name=f"Person {number}",
        preferred_username=f"person{number}@contoso.example",
        login_hint=secrets.token_urlsafe(60),
        sid=str(uuid4()),
    )
    access_token = secrets.token_urlsafe(_ACCESS_TOKEN_BYTES)
    tokens = Tokens(
        access_token=Secret(access_token),
        refresh_token=Secret(secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)),
        expires=int(services.clock.now()) + _LIFETIME,
        scopes=("openid", "profile", "User.Read", "Mail.Read"),
        issued=int(services.clock.now()),
    )
    cookie = services.sessions.start(identity, tokens, "", Deadline(services.clock, _SECONDS))
    partition, _, key = services.sessions.keys([cookie])[0].partition("/")
    return Person(cookie, partition, key, access_token)
