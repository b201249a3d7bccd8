"""The data keys under which sessions are sealed: rows of the table, each wrapped by a key that is not in it.

One key is current, and follows the one before it `period` seconds later. It is written `settle` seconds before it
becomes current, and every process reads the table again in half that time, so that all know a key before any seals
with it. Keys are numbered and only ever inserted: of several processes that make the next one, one succeeds, and the
others take that. A key's row says until when something sealed under it may live; it is deleted after that.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from shared import clock as clocks
from shared import errors, log
from shared.clock import Clock, Deadline
from shared.sealing import DataKey
from shared.token_store import Row, TokenStore, Value
from shared.wrapping import SECONDS as WRAPPING_SECONDS
from shared.wrapping import NotOurs, WrappingKey

PERIOD = 30 * 86400
SETTLE = 600
LOOK_SECONDS = 30.0
"""How long after a reading of the table no unknown id is looked for there."""
TABLE_RETRY_SECONDS = 1.0
"""How long a table that could not be read is left alone; and below, the wrapping key, where nothing works without it
and where an older key goes on serving."""
RETRY_SECONDS = 5.0
ROTATION_RETRY_SECONDS = 60.0
_DAY = 86400
_PARTITION = "keys"
_ID = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row. `data_key` is None until it was unwrapped, and for ever where it is not `ours`."""

    row: Row
    active_from: int
    needed_until: int
    data_key: DataKey | None = None
    ours: bool = True


class Keyring:
    """The data keys by id. Methods raise errors.StorageUnavailable, and errors.KeysUnavailable while a key is not to
    be had.

    Finding a key that this process has had before takes one look into a dictionary and no lock.
    """

    def __init__(
        self, store: TokenStore, wrapping: WrappingKey, clock: Clock, *, period: int = PERIOD, settle: int = SETTLE
    ) -> None:
        self._store = store
        self._wrapping = wrapping
        self._clock = clock
        self._period = period
        self._settle = settle
        self._lock = threading.Lock()
        # Both are replaced as a whole and under the lock, so that they are read without it. In the order of the ids.
        self._entries: dict[str, _Entry] = {}
        self._keys: dict[str, DataKey] = {}
        # On the monotonic clock: when the table is due to be read, may be read for an unknown id; and by key id, ""
        # for a new one, when the wrapping key may be asked again after it failed.
        self._due = self._look_again = float("-inf")
        self._not_before: dict[str, float] = {}

    def current(self, expires: int, deadline: Deadline) -> DataKey:
        """The key with which to seal what lives until `expires` (seconds since 1970); its row is kept as long."""
        for _ in range(2):
            entry = self._current() if self._clock.monotonic() < self._due else None
            entry = entry or self._refreshed(deadline)
            covered = expires <= entry.needed_until or self._kept(entry.row.key, expires, deadline)
            if covered and entry.data_key is not None:
                return entry.data_key
        raise errors.KeysUnavailable(retry_after=1)

    def find(self, key_id: str, deadline: Deadline) -> DataKey | None:
        """The key that something was sealed with; None where there surely is no such key, or no longer.

        The table is read for an unknown id at most every 30 s; in between it may be a new one: KeysUnavailable.
        """
        return self._keys.get(key_id) or self._looked_up(key_id, deadline)

    def rotate_if_due(self, deadline: Deadline) -> None:
        """Read the table, and make the next key where it is time. Without its wrapping key that is put off."""
        with self._alone(deadline):
            self._refresh(deadline)

    def prune(self, deadline: Deadline) -> int:
        """Delete the rows of keys that nothing living was sealed under, and give back how many.

        A row that is written meanwhile, because its key is in use after all, stays.
        """
        long_ago, pruned = self._clock.now() - _DAY, 0
        for entry, successor in pairwise(map(_entry, self._rows(deadline))):
            if entry.needed_until < long_ago and successor.active_from < long_ago:
                try:
                    self._store.delete("keyring", _PARTITION, entry.row.key, deadline, entry.row.etag)
                except errors.RowChanged:
                    continue
                pruned += 1
        if pruned:
            log.event("keys_pruned", count=pruned)
        return pruned

    def _current(self) -> _Entry | None:
        """The newest key at hand that is active; where none is yet, by this machine's clock, the oldest at hand."""
        now, found = self._clock.now(), None
        for entry in self._entries.values():
            if entry.data_key is not None and (found is None or entry.active_from <= now):
                found = entry
        return found

    def _refreshed(self, deadline: Deadline) -> _Entry:
        """The current key after a look at the table. Whoever has one waits for nothing and fails for nothing."""
        held = self._current()
        try:
            with self._alone(deadline if held is None else deadline.within(0.0)):
                if self._clock.monotonic() >= self._due:
                    self._refresh(deadline)
                elif self._current() is None:
                    self._unwrap_living(deadline)
        except (errors.StorageUnavailable, errors.KeysUnavailable):
            if held is None:
                raise
        found = self._current()
        if found is None:
            raise errors.KeysUnavailable
        return found

    def _refresh(self, deadline: Deadline) -> None:
        """Read the table, unwrap what may be asked for, and add the next key where it is time. Under the lock."""
        self._read(deadline)
        if self._is_next_due():
            self._add(deadline)
            self._read(deadline)

    def _rows(self, deadline: Deadline) -> list[Row]:
        return [row for row in self._store.partition("keyring", _PARTITION, deadline) if _ID.fullmatch(row.key)]

    def _read(self, deadline: Deadline) -> None:
        """Take the table as it is. A key that this process has had stays unwrapped while its row is the same."""
        self._due = self._look_again = self._clock.monotonic() + TABLE_RETRY_SECONDS
        entries = {}
        for row in self._rows(deadline):
            entry, known = _entry(row), self._entries.get(row.key)
            if known is not None and _wrapped(known.row) == _wrapped(row):
                entry = replace(entry, data_key=known.data_key, ours=known.ours)
            entries[row.key] = entry
        self._take(entries)
        self._due = self._clock.monotonic() + self._settle / 2
        self._look_again = self._clock.monotonic() + LOOK_SECONDS
        self._unwrap_living(deadline)

    def _take(self, entries: dict[str, _Entry]) -> None:
        self._entries = entries
        self._keys = {key_id: entry.data_key for key_id, entry in entries.items() if entry.data_key is not None}

    def _unwrap_living(self, deadline: Deadline) -> None:
        """Unwrap, the newest first, what something living may have been sealed under: it serves through an outage."""
        now, together = self._clock.now(), deadline.within(WRAPPING_SECONDS)
        for entry in reversed(list(self._entries.values())):
            if entry.needed_until >= now:
                self._unwrap(entry, together)

    def _unwrap(self, entry: _Entry, deadline: Deadline) -> _Entry:
        """The entry with its key, if that can be had now."""
        key_id = entry.row.key
        if entry.data_key is not None or not entry.ours or self._is_paused(key_id):
            return entry
        try:
            key = self._wrapping.unwrap(*_wrapped(entry.row), deadline)
            entry = replace(entry, data_key=DataKey(key_id, key))
        except NotOurs:
            log.event("key_not_ours", logging.WARNING, key_id=key_id)
            entry = replace(entry, ours=False)
        except errors.KeysUnavailable:
            self._not_before[key_id] = self._clock.monotonic() + RETRY_SECONDS
        self._take({**self._entries, key_id: entry})
        return entry

    def _is_paused(self, key_id: str) -> bool:
        return self._clock.monotonic() < self._not_before.get(key_id, float("-inf"))

    def _is_next_due(self) -> bool:
        ours = [entry for entry in self._entries.values() if entry.ours]
        if ours and (self._current() is None or self._clock.now() + self._settle < ours[-1].active_from + self._period):
            return False
        return not self._is_paused("")

    def _add(self, deadline: Deadline) -> None:
        """Insert the key after the newest; whoever else does so at the same time, one of us succeeds.

        It becomes current when all have read of it; the very first one at once. It is used only as it comes back from
        the table and out of its wrapping: what could not be opened again must not seal anything.
        """
        now, is_first = int(self._clock.now()), self._current() is None
        key_id = f"{max(map(int, self._entries), default=0) + 1:08}"
        active_from = now if is_first else now + self._settle
        try:
            wrapped, wrapped_by = self._wrapping.wrap(os.urandom(32), deadline.within(WRAPPING_SECONDS))
        except errors.KeysUnavailable:
            pause = RETRY_SECONDS if is_first else ROTATION_RETRY_SECONDS
            self._not_before[""] = self._clock.monotonic() + pause
            return
        properties: dict[str, Value] = {
            "created": now,
            "active_from": active_from,
            "needed_until": active_from + self._period,
            "wrapped": wrapped,
            "wrapped_by": wrapped_by,
        }
        with contextlib.suppress(errors.RowChanged):
            self._store.insert("keyring", Row(_PARTITION, key_id, properties), deadline)
            log.event("key_created", key_id=key_id, active_from=clocks.iso(active_from))

    def _kept(self, key_id: str, expires: int, deadline: Deadline) -> bool:
        """Have the row say that the key is needed until `expires` and a day or two beyond. False: there is no such row.

        The row is read first: another process has mostly said so already.
        """
        with self._alone(deadline):
            for _ in range(3):
                row = self._store.read("keyring", _PARTITION, key_id, deadline)
                if row is None or key_id not in self._entries:
                    self._due = float("-inf")
                    return False
                entry = _entry(row)
                if entry.needed_until < expires:
                    entry = replace(entry, needed_until=(expires // _DAY + 2) * _DAY)
                    changed = replace(row, properties={"needed_until": entry.needed_until})
                    try:
                        self._store.merge("keyring", changed, deadline)
                    except errors.StoreSignal:
                        continue
                known = self._entries[key_id]
                self._take({**self._entries, key_id: replace(known, needed_until=entry.needed_until)})
                return True
        raise errors.StorageUnavailable

    def _looked_up(self, key_id: str, deadline: Deadline) -> DataKey | None:
        if not _ID.fullmatch(key_id) or self._never_was(key_id):
            return None
        with self._alone(deadline):
            if key_id not in self._entries and not self._never_was(key_id):
                self._read(deadline)
            entry = self._entries.get(key_id)
            if entry is None or not entry.ours:
                return None
            entry = self._unwrap(entry, deadline)
        if entry.ours and entry.data_key is None:
            raise errors.KeysUnavailable
        return entry.data_key

    def _never_was(self, key_id: str) -> bool:
        """Whether no row has this id: the next key's is above all known ones. Asked before the lock, so that a flood
        of invented ids does not even queue for it. Raises errors.KeysUnavailable where only the table can tell."""
        if key_id in self._entries:
            return False
        wait = self._look_again - self._clock.monotonic()
        if key_id > max(self._entries, default="") and wait > 0:
            raise errors.KeysUnavailable(retry_after=math.ceil(wait))
        return key_id < max(self._entries, default="")

    @contextlib.contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        """Raises errors.KeysUnavailable where another thread is at it until the deadline."""
        if not self._lock.acquire(timeout=max(0.0, deadline.remaining())):
            raise errors.KeysUnavailable(retry_after=1)
        try:
            yield
        finally:
            self._lock.release()


def _entry(row: Row) -> _Entry:
    """A row that lacks something, or has it of another kind, is nobody's key."""
    numbers = row.properties.get("active_from"), row.properties.get("needed_until")
    texts = row.properties.get("wrapped"), row.properties.get("wrapped_by")
    if isinstance(numbers[0], int) and isinstance(numbers[1], int):
        ours = isinstance(texts[0], bytes) and isinstance(texts[1], str)
        return _Entry(row, numbers[0], numbers[1], ours=ours)
    return _Entry(row, 0, 0, ours=False)


def _wrapped(row: Row) -> tuple[bytes, str]:
    wrapped = row.properties.get("wrapped")
    return wrapped if isinstance(wrapped, bytes) else b"", str(row.properties.get("wrapped_by"))
