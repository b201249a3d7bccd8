"""The life of a session: begun by a sign-in, read by every request, ended by signing out or by age.

A session is one row. The browser holds `<day of absolute expiry>.<secret>`; from these follow the row's keys and, with
a data key of the server's, the key that opens its payload. So the table alone names no cookie and shows no token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, replace
from typing import Any

from shared import clock as clocks
from shared import errors, log
from shared.clock import Clock, Deadline
from shared.config import Config
from shared.keyring import Keyring
from shared.sealing import Unsealable, seal, unseal
from shared.secret import Secret
from shared.token_store import Row, TokenStore, Value

MAX_SEALED_BYTES = 60 * 1024
_PURPOSE = "session"
_COOKIE = re.compile(r"([0-9]{8})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in. (tenant_id, object_id) is the person; names and addresses are only for showing."""

    tenant_id: str
    object_id: str
    subject: str
    name: str = ""
    preferred_username: str = ""
    login_hint: str = ""
    sid: str = ""

    def same_person(self, other: Identity) -> bool:
        return (self.tenant_id, self.object_id, self.subject) == (other.tenant_id, other.object_id, other.subject)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What Entra issued. `expires` is on our own clock, in seconds since 1970."""

    access_token: Secret
    refresh_token: Secret | None
    expires: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A session as read from its row."""

    secret: str
    row: Row
    identity: Identity
    tokens: Tokens

    @property
    def generation(self) -> int:
        """Grows by one with each write of tokens."""
        return int(self.row.properties["generation"])

    @property
    def lease_id(self) -> str:
        """Names who is renewing the tokens at this moment; empty where nobody is."""
        return str(self.row.properties.get("lease_id", ""))

    @property
    def expires(self) -> int:
        """When the session ends whatever happens, in seconds since 1970."""
        return int(self.row.properties["expires"])


def row_key(secret: str) -> str:
    """RowKey of a session: a hash, so that the table does not hold what the cookie holds."""
    return _b64(hashlib.sha256(b"row" + secret.encode()).digest())


def partition_key(day: str, secret: str) -> str:
    """PartitionKey of a session: 16 shards a day of absolute expiry, so that purging reads past days only."""
    return hashlib.sha256(b"shard" + secret.encode()).hexdigest()[0] + day


class Sessions:
    """Sessions in the table. Methods that go there take the request's deadline and raise errors.StorageUnavailable."""

    def __init__(self, store: TokenStore, keyring: Keyring, config: Config, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._config = config
        self._clock = clock

    def start(self, identity: Identity, tokens: Tokens, deadline: Deadline) -> str:
        """Begin a session under a new secret and give back its cookie's value.

        Raises errors.SessionTooLarge.
        """
        now = int(self._clock.now())
        expires = now + self._config.session_max_age
        if tokens.refresh_token is None:
            expires = min(expires, tokens.expires)
        day, secret = clocks.day(expires), _b64(secrets.token_bytes(32))
        partition, key = partition_key(day, secret), row_key(secret)
        properties: dict[str, Value] = {
            "generation": 1,
            "lease_id": "",
            "seen": now,
            "created": now,
            "expires": expires,
            **self._sealed(secret, partition, key, identity, tokens),
        }
        try:
            self._store.insert("sessions", Row(partition, key, properties), deadline)
        except errors.StoreSignal:
            raise errors.StorageUnavailable from None
        return f"{day}.{secret}"

    def open(self, values: list[str], deadline: Deadline) -> Session:
        """The living session that one of these cookie values names.

        Raises errors.NotSignedIn where none does: unknown, signed out, too old, idle too long, not to be opened, or of
        a tenant that is no longer allowed.
        """
        for value in values:
            session = self._read(value, deadline)
            if session is not None and self._alive(session):
                return session
        raise errors.NotSignedIn

    def reread(self, session: Session, deadline: Deadline) -> Session:
        """The session as it is in the table now. Raises errors.NotSignedIn where it is gone."""
        row = self._store.read("sessions", session.row.partition, session.row.key, deadline)
        opened = self._opened(session.secret, row) if row else None
        if opened is None:
            raise errors.NotSignedIn
        return opened

    def keys(self, values: list[str]) -> list[str]:
        """ "partition/key" of each well-formed cookie value, without looking into the table."""
        return [f"{partition_key(day, secret)}/{row_key(secret)}" for day, secret in map(self._split, values) if secret]

    def end(self, keys: list[str], deadline: Deadline) -> None:
        """Delete sessions by what `keys` gave. Ending one that is not there is a success."""
        for key in keys:
            partition, _, row = key.partition("/")
            self._store.delete("sessions", partition, row, deadline)

    def set_lease(self, session: Session, lease_id: str, deadline: Deadline) -> Session:
        """Write who renews the tokens, if the row is as it was read. Raises the store's signals."""
        return self._merged(session, {"lease_id": lease_id}, deadline)

    def set_tokens(self, session: Session, tokens: Tokens, deadline: Deadline) -> Session:
        """Write new tokens as the next generation, if the row is as it was read; the lease stays.

        Raises the store's signals.
        """
        changed: dict[str, Value] = {
            "generation": session.generation + 1,
            "seen": int(self._clock.now()),
            **self._sealed(session.secret, session.row.partition, session.row.key, session.identity, tokens),
        }
        return replace(self._merged(session, changed, deadline), tokens=tokens)

    def touch(self, session: Session, deadline: Deadline) -> None:
        """Note that the session is in use, at most every five minutes or a twentieth of the idle time-out."""
        now = int(self._clock.now())
        pause = max(300, self._config.session_idle_timeout // 20)
        if now - int(session.row.properties["seen"]) < min(pause, self._config.session_idle_timeout // 2):
            return
        try:
            self._merged(session, {"seen": now}, deadline)
        except (errors.StoreSignal, errors.StorageUnavailable):
            log.event("touch_skipped")

    def seal_for(self, session: Session, purpose: str, plain: bytes) -> bytes:
        """Seal something that only this session may open again; it names the data key by itself."""
        data_key = self._keyring.current()
        sealed = seal(data_key, session.secret.encode(), purpose, session.row.key, plain)
        return bytes([len(data_key.id)]) + data_key.id.encode() + sealed

    def unseal_for(self, session: Session, purpose: str, sealed: bytes) -> bytes:
        """Open what seal_for made for this session and purpose. Raises errors.InvalidCursor for anything else."""
        size = sealed[0] if sealed else 0
        data_key = self._keyring.find(sealed[1 : 1 + size].decode("ascii", "replace"))
        try:
            if data_key is None:
                raise Unsealable
            return unseal(data_key, session.secret.encode(), purpose, session.row.key, sealed[1 + size :])
        except Unsealable:
            raise errors.InvalidCursor from None

    def _merged(self, session: Session, changed: dict[str, Value], deadline: Deadline) -> Session:
        row = session.row
        etag = self._store.merge("sessions", Row(row.partition, row.key, changed, row.etag), deadline)
        return replace(session, row=Row(row.partition, row.key, {**row.properties, **changed}, etag))

    def _split(self, value: str) -> tuple[str, str]:
        """(day, secret) of a cookie value that can name a living session; ("", "") otherwise."""
        match = _COOKIE.fullmatch(value)
        if match is None:
            return "", ""
        now = self._clock.now()
        earliest, latest = clocks.day(now), clocks.day(now + self._config.session_max_age + 86400)
        return (match[1], match[2]) if earliest <= match[1] <= latest else ("", "")

    def _read(self, value: str, deadline: Deadline) -> Session | None:
        day, secret = self._split(value)
        if not secret:
            return None
        row = self._store.read("sessions", partition_key(day, secret), row_key(secret), deadline)
        return self._opened(secret, row) if row else None

    def _alive(self, session: Session) -> bool:
        now = self._clock.now()
        idle = now - int(session.row.properties["seen"])
        in_time = now < session.expires and idle < self._config.session_idle_timeout
        return in_time and self._config.tenant_allowed(session.identity.tenant_id)

    def _sealed(self, secret: str, partition: str, key: str, identity: Identity, tokens: Tokens) -> dict[str, Value]:
        data_key = self._keyring.current()
        payload = {
            "who": [
                identity.tenant_id,
                identity.object_id,
                identity.subject,
                identity.name,
                identity.preferred_username,
                identity.login_hint,
                identity.sid,
            ],
            "access_token": tokens.access_token.reveal(),
            "refresh_token": tokens.refresh_token.reveal() if tokens.refresh_token else None,
            "expires": tokens.expires,
            "scopes": tokens.scopes,
        }
        sealed = seal(data_key, secret.encode(), _PURPOSE, f"{partition}/{key}", json.dumps(payload).encode())
        if len(sealed) > MAX_SEALED_BYTES:
            raise errors.SessionTooLarge
        return {"sealed": sealed, "key_id": data_key.id}

    def _opened(self, secret: str, row: Row) -> Session | None:
        try:
            data_key = self._keyring.find(str(row.properties["key_id"]))
            if data_key is None:
                return None
            sealed = row.properties["sealed"]
            plain = unseal(
                data_key,
                secret.encode(),
                _PURPOSE,
                f"{row.partition}/{row.key}",
                sealed if isinstance(sealed, bytes) else b"",
            )
            return _session(secret, row, json.loads(plain))
        except (Unsealable, KeyError, ValueError, TypeError):
            log.event("session_not_opened")
            return None


def _session(secret: str, row: Row, payload: dict[str, Any]) -> Session:
    for name in ("generation", "seen", "created", "expires"):
        int(row.properties[name])
    refresh_token = payload["refresh_token"]
    tokens = Tokens(
        Secret(payload["access_token"]),
        Secret(refresh_token) if refresh_token else None,
        int(payload["expires"]),
        tuple(payload["scopes"]),
    )
    return Session(secret, row, Identity(*payload["who"]), tokens)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
