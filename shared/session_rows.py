"""What one row of a session holds: plain columns for the server, and a payload that opens only with the cookie.

The browser holds `<day of absolute expiry>.<secret>`; from these follow the row's keys and, with a data key of the
server's, the key that opens its payload. So the table alone names no cookie and shows no token.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from shared import errors
from shared.sealing import DataKey, Unsealable, seal, unseal
from shared.secret import Secret
from shared.token_store import Row, Value

MAX_SEALED_BYTES = 60 * 1024
_PURPOSE = "session"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in. (tenant_id, object_id) is the person; names and addresses are only for showing.

    `home` is the account where it is at home, by Entra's client_info; empty where that was not said.
    """

    tenant_id: str
    object_id: str
    subject: str
    name: str = ""
    preferred_username: str = ""
    login_hint: str = ""
    sid: str = ""
    home: str = ""

    def same_person(self, other: Identity) -> bool:
        return (self.tenant_id, self.object_id, self.subject) == (other.tenant_id, other.object_id, other.subject)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What Entra issued. The access token lives from `issued` to `expires`: our own clock, seconds since 1970."""

    access_token: Secret
    refresh_token: Secret | None
    expires: int
    scopes: tuple[str, ...]
    issued: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """The person is wanted at Entra before it goes on; `claims` is what it asks for, "" where it did not say.

    `blocking`: Entra renews no token until then. Otherwise one resource asked, and the rest works.
    """

    claims: str
    blocking: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A session as read from its row."""

    secret: str
    row: Row
    identity: Identity
    tokens: Tokens
    challenge: Challenge | None = None

    @property
    def generation(self) -> int:
        """Grows by one with each write of the payload."""
        return int(self.row.properties["generation"])

    @property
    def lease_id(self) -> str:
        """Names who is renewing the tokens at this moment; empty where nobody is."""
        return str(self.row.properties.get("lease_id", ""))

    @property
    def leased(self) -> bool:
        """Whether somebody is renewing the tokens of this very generation, or has died over it."""
        return self.lease_id.startswith(f"{self.generation}.")

    @property
    def expires(self) -> int:
        """When the session ends whatever happens, in seconds since 1970."""
        return int(self.row.properties["expires"])


def row_key(secret: str) -> str:
    """RowKey of a session: a hash, so that the table does not hold what the cookie holds."""
    return base64url(hashlib.sha256(b"row" + secret.encode()).digest())


def partition_key(day: str, secret: str) -> str:
    """PartitionKey of a session: 16 shards a day of absolute expiry, so that purging reads past days only."""
    return hashlib.sha256(b"shard" + secret.encode()).hexdigest()[0] + day


def sealed(
    data_key: DataKey,
    secret: str,
    place: tuple[str, str],
    identity: Identity,
    tokens: Tokens,
    challenge: Challenge | None = None,
) -> dict[str, Value]:
    """The columns `sealed` and `key_id` of the row at `place` (its two keys). Raises errors.SessionTooLarge."""
    payload = {
        "who": [
            identity.tenant_id,
            identity.object_id,
            identity.subject,
            identity.name,
            identity.preferred_username,
            identity.login_hint,
            identity.sid,
            identity.home,
        ],
        "access_token": tokens.access_token.reveal(),
        "refresh_token": tokens.refresh_token.reveal() if tokens.refresh_token else None,
        "issued": tokens.issued,
        "expires": tokens.expires,
        "scopes": tokens.scopes,
        "challenge": [challenge.claims, challenge.blocking] if challenge else None,
    }
    closed = seal(data_key, secret.encode(), _PURPOSE, "/".join(place), json.dumps(payload).encode())
    if len(closed) > MAX_SEALED_BYTES:
        raise errors.SessionTooLarge
    return {"sealed": closed, "key_id": data_key.id}


def opened(data_key: DataKey, secret: str, row: Row) -> Session:
    """The session in a row. Raises Unsealable where the row is not what `sealed` and its writer made."""
    closed = row.properties.get("sealed")
    place = f"{row.partition}/{row.key}"
    plain = unseal(data_key, secret.encode(), _PURPOSE, place, closed if isinstance(closed, bytes) else b"")
    try:
        for name in ("generation", "seen", "created", "expires"):
            int(row.properties[name])
        return _session(secret, row, json.loads(plain))
    except (KeyError, ValueError, TypeError):
        raise Unsealable from None


def base64url(data: bytes) -> str:
    """Without padding. RFC 4648 section 5."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _session(secret: str, row: Row, payload: dict[str, Any]) -> Session:
    refresh_token, expires, challenge = payload["refresh_token"], int(payload["expires"]), payload.get("challenge")
    tokens = Tokens(
        Secret(payload["access_token"]),
        Secret(refresh_token) if refresh_token else None,
        expires,
        tuple(payload["scopes"]),
        int(payload.get("issued", expires)),  # rows of the release before have neither this nor a challenge
    )
    return Session(secret, row, Identity(*payload["who"]), tokens, Challenge(*challenge) if challenge else None)
