"""Which sessions a person has, and which belong to one session at Entra. Rows of their own, beside the sessions':

    (user.<tid>.<oid>, number)     a session of this person, with the device it was begun on
    (sid.<sid>, number)            the same session, to be found by what Entra calls the person's session there
    (user.<tid>.<oid>, "epoch")    a random id, another one each time the person signs out everywhere

A session's rows are written here before its own and deleted after it. So no session works that cannot be found here,
and a row here may name a session that is not there yet, or no longer.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from shared import errors
from shared.clock import Clock, Deadline
from shared.keyring import Keyring
from shared.sealing import Unsealable, seal, unseal
from shared.session_rows import Identity, base64url
from shared.token_store import Row, Table, TokenStore, Value

SID = re.compile(r"[0-9A-Za-z-]{1,64}")
NUMBER = re.compile(r"[0-9A-Za-z_-]{22}")
_TABLE: Table = "sessionindex"
_EPOCH = "epoch"
_LABEL_SECONDS = 1.0  # and not all the time that is left, where the key must be fetched first
_PURPOSE = "index"


@dataclass(frozen=True, slots=True)
class Entry:
    """A session as the index knows it. `place` is its row's two keys; times are in seconds since 1970."""

    number: str
    place: tuple[str, str]
    user_pk: str
    created: int
    expires: int
    device: str

    @property
    def tenant_id(self) -> str:
        return self.user_pk.split(".")[1]


def user_pk(identity: Identity) -> str:
    """PartitionKey of a person: tenant and object id, never a name or an address, which others may have elsewhere."""
    return f"user.{identity.tenant_id}.{identity.object_id}"


def whose(row: Row) -> tuple[str | None, str | None]:
    """Tenant id and object id of the person to whom a session's row belongs, by its plain columns."""
    parts = str(row.properties.get("user_pk")).split(".")
    return (parts[1], parts[2]) if len(parts) == 3 else (None, None)


def sid_pk(sid: str) -> str:
    """PartitionKey of a session at Entra, "" where Entra named none."""
    if not sid:
        return ""
    return "sid." + (sid if SID.fullmatch(sid) else hashlib.sha256(sid.encode()).hexdigest())


def number(row_key: str) -> str:
    """What people's browsers call a session. It leads back neither to the row's key nor to the cookie."""
    return base64url(hashlib.sha256(b"number" + row_key.encode()).digest()[:16])


class SessionIndex:
    """The index. Every method takes the request's deadline and raises errors.StorageUnavailable."""

    def __init__(self, store: TokenStore, keyring: Keyring, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock

    def epoch(self, person: str, deadline: Deadline) -> str:
        """What the epoch of a person (their PartitionKey) is now, "" where there is none. A sign-in compares two."""
        row = self._store.read(_TABLE, person, _EPOCH, deadline)
        return str(row.properties["epoch"]) if row else ""

    def new_epoch(self, person: str, deadline: Deadline) -> None:
        """Let every sign-in of this person fail that has read the epoch by now and not yet read it again."""
        changed: dict[str, Value] = {"epoch": secrets.token_urlsafe(16), "changed": int(self._clock.now())}
        while True:
            row = self._store.read(_TABLE, person, _EPOCH, deadline)
            try:
                if row is None:
                    self._store.insert(_TABLE, Row(person, _EPOCH, changed), deadline)
                else:
                    self._store.merge(_TABLE, Row(person, _EPOCH, changed, row.etag), deadline)
                return
            except errors.StoreSignal:
                continue  # somebody else's may be older than a sign-in that ours has to stop

    def enter(
        self, identity: Identity, place: tuple[str, str], created: int, expires: int, device: str, deadline: Deadline
    ) -> None:
        """Write down a session that is about to begin at `place` (its row's two keys). Raises KeysUnavailable too."""
        person, name, session = user_pk(identity), number(place[1]), "/".join(place)
        data_key = self._keyring.current(expires, deadline)
        sealed = seal(data_key, person.encode(), _PURPOSE, f"{person}/{name}", device.encode())
        common: dict[str, Value] = {"session": session, "created": created, "expires": expires}
        rows = [
            Row(person, name, {**common, "sid_pk": sid_pk(identity.sid), "key_id": data_key.id, "sealed": sealed}),
            Row(sid_pk(identity.sid), name, {**common, "user_pk": person}),
        ]
        try:
            for row in rows:
                if row.partition:
                    self._store.insert(_TABLE, row, deadline)
        except errors.StoreSignal:
            raise errors.StorageUnavailable from None

    def leave(self, row: Row, deadline: Deadline) -> None:
        """Forget a session whose own row, which this was, is deleted."""
        for partition in (row.properties.get("user_pk"), row.properties.get("sid_pk")):
            if isinstance(partition, str) and partition:
                self._store.delete(_TABLE, partition, number(row.key), deadline)

    def of_person(self, person: str, deadline: Deadline) -> list[Entry]:
        """Every session of a person."""
        rows = self._store.partition(_TABLE, person, deadline)
        return [self._entry(row, deadline) for row in rows if row.key != _EPOCH]

    def of_sid(self, sid: str, deadline: Deadline) -> list[Entry]:
        """Every session that was begun in one session at Entra."""
        return [self._entry(row, deadline) for row in self._store.partition(_TABLE, sid_pk(sid), deadline)]

    def find(self, person: str, name: str, deadline: Deadline) -> Entry | None:
        """One session of a person by its number."""
        row = self._store.read(_TABLE, person, name, deadline) if NUMBER.fullmatch(name) else None
        return self._entry(row, deadline) if row else None

    def _entry(self, row: Row, deadline: Deadline) -> Entry:
        known = row.properties
        partition, _, key = str(known["session"]).partition("/")
        person = str(known.get("user_pk", row.partition))
        device = self._device(row, deadline)
        return Entry(row.key, (partition, key), person, int(known["created"]), int(known["expires"]), device)

    def _device(self, row: Row, deadline: Deadline) -> str:
        """ "" where it cannot be opened: a label is never worth a list, let alone signing out."""
        sealed, key_id = row.properties.get("sealed"), row.properties.get("key_id")
        if not isinstance(sealed, bytes) or not isinstance(key_id, str):
            return ""
        try:
            data_key = self._keyring.find(key_id, deadline.within(_LABEL_SECONDS))
            if data_key is None:
                return ""
            return unseal(data_key, row.partition.encode(), _PURPOSE, f"{row.partition}/{row.key}", sealed).decode()
        except (Unsealable, errors.KeysUnavailable, errors.StorageUnavailable):
            return ""
