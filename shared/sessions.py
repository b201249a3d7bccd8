"""The life of a session: begun by a sign-in, read by every request, ended by signing out or by age."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from shared import clock as clocks
from shared import errors, log, session_rows
from shared.clock import Clock, Deadline
from shared.config import Config
from shared.flights import Recent
from shared.keyring import Keyring
from shared.sealing import Unsealable, seal, unseal
from shared.session_index import SessionIndex, number, sid_pk, user_pk, whose
from shared.session_rows import Challenge, Identity, Session, Tokens, base64url, partition_key, row_key
from shared.token_store import Row, TokenStore, Value

Ending = Literal[
    "signed_out", "everywhere", "ended_elsewhere", "front_channel", "cap", "replaced", "grant_dead", "no_grant"
]
"""Why a session ended, as the log says it."""

TOUCH_SECONDS = 5.0
"""For so long one request's note of a session's use stands for all others of its process, even if it fails."""
_COOKIE = re.compile(r"([0-9]{8})\.([A-Za-z0-9_-]{43})")


class Sessions:
    """Sessions in the table. Methods that go there take the request's deadline and raise errors.StorageUnavailable."""

    def __init__(self, store: TokenStore, index: SessionIndex, keyring: Keyring, config: Config, clock: Clock) -> None:
        self._store = store
        self._index = index
        self._keyring = keyring
        self._config = config
        self._clock = clock
        self._touched = Recent[float]()

    def start(self, identity: Identity, tokens: Tokens, device: str, deadline: Deadline) -> str:
        """Begin a session under a new secret and give back its cookie's value. `device` is how the person knows it.

        It is in the index before it is there, and it is taken back where the person has signed out everywhere since
        Entra said who this is. Raises errors.SignInRefused, SessionTooLarge, KeysUnavailable.
        """
        person = user_pk(identity)
        epoch = self._index.epoch(person, deadline)
        try:
            try:
                value, row = self._begun(identity, tokens, device, deadline)
            except errors.OutcomeUnknown:
                # It may still come, or was ended already. Under another secret neither matters.
                value, row = self._begun(identity, tokens, device, deadline)
        except errors.StoreSignal:
            raise errors.StorageUnavailable from None
        if self._index.epoch(person, deadline) != epoch:
            self.end_row(row, deadline, "everywhere")
            raise errors.SignInRefused("You signed out everywhere while this sign-in was under way. Start again.")
        return value

    def open(self, values: list[str], deadline: Deadline) -> Session:
        """The living session that one of these cookie values names.

        Raises errors.NotSignedIn where `find` has none, and InteractionRequired where Entra renews nothing before the
        person has been there.
        """
        session = self.find(values, deadline)
        if session is None:
            raise errors.NotSignedIn
        if session.challenge is not None and session.challenge.blocking:
            raise errors.InteractionRequired(session.challenge.claims or None)
        return session

    def find(self, values: list[str], deadline: Deadline) -> Session | None:
        """The living session that one of these cookie values names.

        None where all are unknown, signed out, too old, idle too long, not to be opened, or of a tenant that is no
        longer allowed.
        """
        for value in values:
            session = self._read(value, deadline)
            if session is not None and self._alive(session):
                return session
        return None

    def reread(self, session: Session, deadline: Deadline) -> Session:
        """The session as it is in the table now. Raises errors.NotSignedIn where it is gone."""
        row = self._store.read("sessions", session.row.partition, session.row.key, deadline)
        opened = self._opened(session.secret, row, deadline) if row else None
        if opened is None:
            raise errors.NotSignedIn
        return opened

    def keys(self, values: list[str]) -> list[str]:
        """ "partition/key" of each well-formed cookie value, without looking into the table."""
        return [f"{partition_key(day, secret)}/{row_key(secret)}" for day, secret in map(self._split, values) if secret]

    def end(self, keys: list[str], deadline: Deadline, reason: Ending = "signed_out") -> None:
        """Delete sessions by what `keys` gave. Ending one that is not there is a success."""
        for key in keys:
            partition, _, name = key.partition("/")
            row = self._store.read("sessions", partition, name, deadline)
            if row is not None:
                self.end_row(row, deadline, reason)

    def end_row(self, row: Row, deadline: Deadline, reason: Ending = "signed_out", *, unchanged: bool = False) -> None:
        """Delete a session, whatever was written to its row meanwhile, and then what the index has of it.

        Once its row is gone it has ended: index rows that storage does not take away then are left to the purge.
        `unchanged`: only while the row is as it was read. Raises RowChanged where it is not.
        """
        self._store.delete("sessions", row.partition, row.key, deadline, row.etag if unchanged else None)
        tenant, person = whose(row)
        log.event("session_ended", reason=reason, tenant=tenant, person=person)
        with suppress(errors.StorageUnavailable):
            self._index.leave(row, deadline)

    def in_time(self, row: Row) -> bool:
        """Whether a session is neither too old nor idle for too long, by its row's plain columns."""
        now = self._clock.now()
        idle = now - int(row.properties["seen"])
        return now < int(row.properties["expires"]) and idle < self._config.session_idle_timeout

    def prepare(self, session: Session, deadline: Deadline) -> None:
        """Have the key under which the next payload will be sealed. Raises errors.KeysUnavailable."""
        self._keyring.current(session.expires, deadline)

    def set_lease(self, session: Session, lease_id: str, deadline: Deadline) -> Session:
        """Write who renews the tokens, if the row is as it was read. Raises the store's signals."""
        return self._merged(session, {"lease_id": lease_id}, deadline)

    def set_tokens(self, session: Session, tokens: Tokens, deadline: Deadline) -> Session:
        """Write new tokens as the next generation, if the row is as it was read; the lease stays.

        A challenge of one resource stays too: a token that Entra renews of its own accord does not meet it.
        Raises the store's signals.
        """
        challenge = session.challenge
        kept = challenge if challenge and challenge.claims and not challenge.blocking else None
        return self._next(replace(session, tokens=tokens, challenge=kept), {"seen": int(self._clock.now())}, deadline)

    def set_challenge(self, session: Session, challenge: Challenge, deadline: Deadline) -> Session:
        """Write for what the person is wanted at Entra, as the next generation, if the row is as it was read.

        Raises the store's signals.
        """
        written = self._next(replace(session, challenge=challenge), {}, deadline)
        who, by = session.identity, "entra" if challenge.blocking else "graph"
        log.event("step_up_required", by=by, tenant=who.tenant_id, person=who.object_id)
        return written

    def touch(self, session: Session, deadline: Deadline) -> None:
        """Note that the session is in use, at most every five minutes or a twentieth of the idle time-out.

        Of many requests of this process that find it due at once, one does it.
        """
        now = int(self._clock.now())
        pause = max(300, self._config.session_idle_timeout // 20)
        if now - int(session.row.properties["seen"]) < min(pause, self._config.session_idle_timeout // 2):
            return
        if not self._touched.claim(session.row.key, self._clock.monotonic(), TOUCH_SECONDS):
            return
        try:
            self._merged(session, {"seen": now}, deadline)
        except (errors.StoreSignal, errors.StorageUnavailable):
            log.event("touch_skipped")

    def seal_for(self, session: Session, purpose: str, plain: bytes, deadline: Deadline) -> bytes:
        """Seal something that only this session may open again; it names the data key by itself."""
        data_key = self._keyring.current(session.expires, deadline)
        sealed = seal(data_key, session.secret.encode(), purpose, session.row.key, plain)
        return bytes([len(data_key.id)]) + data_key.id.encode() + sealed

    def unseal_for(self, session: Session, purpose: str, sealed: bytes, deadline: Deadline) -> bytes:
        """Open what seal_for made for this session and purpose. Raises errors.InvalidCursor for anything else."""
        size = sealed[0] if sealed else 0
        try:
            data_key = self._keyring.find(sealed[1 : 1 + size].decode("ascii", "replace"), deadline)
            if data_key is None:
                raise Unsealable
            return unseal(data_key, session.secret.encode(), purpose, session.row.key, sealed[1 + size :])
        except (Unsealable, errors.KeysUnavailable):
            raise errors.InvalidCursor from None

    def _next(self, session: Session, changed: Mapping[str, Value], deadline: Deadline) -> Session:
        """Write tokens and challenge as the next generation."""
        place = session.row.partition, session.row.key
        data_key = self._keyring.current(session.expires, deadline)
        payload = session_rows.sealed(
            data_key, session.secret, place, session.identity, session.tokens, session.challenge
        )
        return self._merged(session, {"generation": session.generation + 1, **changed, **payload}, deadline)

    def _merged(self, session: Session, changed: Mapping[str, Value], deadline: Deadline) -> Session:
        row = session.row
        etag = self._store.merge("sessions", Row(row.partition, row.key, changed, row.etag), deadline)
        return replace(session, row=Row(row.partition, row.key, {**row.properties, **changed}, etag))

    def _begun(self, identity: Identity, tokens: Tokens, device: str, deadline: Deadline) -> tuple[str, Row]:
        """A new session, first in the index and then in its row: its cookie's value, and the row."""
        secret, row = self._new_row(identity, tokens, deadline)
        created, expires = int(row.properties["created"]), int(row.properties["expires"])
        self._index.enter(identity, (row.partition, row.key), created, expires, device, deadline)
        self._store.insert("sessions", row, deadline)
        return f"{clocks.day(expires)}.{secret}", row

    def _new_row(self, identity: Identity, tokens: Tokens, deadline: Deadline) -> tuple[str, Row]:
        """A new secret, and the row of the session that it opens."""
        now = int(self._clock.now())
        expires = now + self._config.session_max_age
        if tokens.refresh_token is None:
            expires = min(expires, tokens.expires)
        secret = base64url(secrets.token_bytes(32))
        place = partition_key(clocks.day(expires), secret), row_key(secret)
        data_key = self._keyring.current(expires, deadline)
        properties: dict[str, Value] = {
            "generation": 1,
            "lease_id": "",
            "seen": now,
            "created": now,
            "expires": expires,
            "user_pk": user_pk(identity),
            "sid_pk": sid_pk(identity.sid),
            "number": number(place[1]),
            **session_rows.sealed(data_key, secret, place, identity, tokens),
        }
        return secret, Row(*place, properties)

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
        return self._opened(secret, row, deadline) if row else None

    def _alive(self, session: Session) -> bool:
        return self.in_time(session.row) and self._config.tenant_allowed(session.identity.tenant_id)

    def _opened(self, secret: str, row: Row, deadline: Deadline) -> Session | None:
        try:
            data_key = self._keyring.find(str(row.properties["key_id"]), deadline)
            if data_key is None:
                raise Unsealable
            return session_rows.opened(data_key, secret, row)
        except (Unsealable, KeyError):
            log.event("session_not_opened")
            return None
