"""The data keys under which sessions are sealed: rows of the table, each wrapped by a key that is not in it.

One key is current, and follows the one before it `period` seconds later. It is written `settle` seconds before it
becomes current, and every process that seals reads the table again in half that time, so that all know a key before
any seals with it. Keys are numbered and only ever inserted: of several processes that make the next one, one succeeds,
and the others take that. A key's row says until when something sealed under it may live; it is deleted after that.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from shared import clock as clocks
from shared import errors, log
from shared.clock import Clock, Deadline
from shared.key_rows import PARTITION, KeyRow, new_row, parsed
from shared.sealing import DataKey
from shared.token_store import TokenStore
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
_ID = re.compile(r"[0-9]{8}")
_NEW = ""  # in place of an id: a key that is not made yet


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
        self._rows: dict[str, KeyRow] = {}
        self._keys: dict[str, DataKey] = {}
        # On the monotonic clock: when the table is due to be read, when it may be read for an unknown id, and by key
        # id when the wrapping key may be asked again after it failed.
        self._due = self._look_again = float("-inf")
        self._not_before: dict[str, float] = {}
        self._was_read = False

    def current(self, expires: int, deadline: Deadline) -> DataKey:
        """The key with which to seal what lives until `expires` (seconds since 1970); its row is kept as long."""
        for _ in range(2):
            known = self._current() if self._clock.monotonic() < self._due else None
            known = known or self._refreshed(deadline)
            covered = expires <= known.needed_until or self._kept(known.id, expires, deadline)
            if covered and known.data_key is not None:
                return known.data_key
        raise errors.KeysUnavailable(retry_after=1)

    def find(self, key_id: str, deadline: Deadline) -> DataKey | None:
        """The key that something was sealed with; None where there surely is no such key, or no longer.

        The table is read for an unknown id at most every 30 s; in between it may be a new one: KeysUnavailable.
        """
        return self._keys.get(key_id) or self._looked_up(key_id, deadline)

    def rotate_if_due(self, deadline: Deadline) -> None:
        """Make the next key where it is time. Without its wrapping key that is put off."""
        with self._alone(deadline):
            self._refresh(deadline)

    def prune(self, deadline: Deadline) -> int:
        """Delete the rows of keys that nothing living was sealed under, and give back how many.

        A row that is written meanwhile, because its key is in use after all, stays.
        """
        long_ago, pruned = self._clock.now() - _DAY, 0
        for known, successor in pairwise(self._read_rows(deadline)):
            if known.needed_until < long_ago and successor.active_from < long_ago:
                try:
                    self._store.delete("keyring", PARTITION, known.id, deadline, known.row.etag)
                except errors.RowChanged:
                    continue
                pruned += 1
        if pruned:
            log.event("keys_pruned", count=pruned)
        return pruned

    def _current(self) -> KeyRow | None:
        """The newest key at hand that is active; where none is yet, by this machine's clock, the oldest at hand."""
        now, found = self._clock.now(), None
        for known in self._rows.values():
            if known.data_key is not None and (found is None or known.active_from <= now):
                found = known
        return found

    def _refreshed(self, deadline: Deadline) -> KeyRow:
        """The current key after a look at the table. Whoever has one waits for nobody else, and fails for nothing.

        Nor does anybody wait for one who asks a wrapping key that has failed before: a hanging one would hold up all.
        """
        held = self._current()
        try:
            with self._alone(deadline if held is None and not self._not_before else deadline.within(0.0)):
                if self._current() is None or self._clock.monotonic() >= self._due:
                    self._refresh(deadline)
        except (errors.StorageUnavailable, errors.KeysUnavailable):
            if held is None:
                raise
        found = self._current()
        if found is None:
            raise errors.KeysUnavailable
        return found

    def _refresh(self, deadline: Deadline) -> None:
        """Read the table where that is due, unwrap what may be asked for, and add the next key where it is time."""
        if self._clock.monotonic() >= self._due:
            self._read(deadline)
        else:
            self._unwrap_living(deadline)
        if self._is_next_due():
            self._add(deadline)
            self._read(deadline)

    def _read_rows(self, deadline: Deadline) -> list[KeyRow]:
        return [parsed(row) for row in self._store.partition("keyring", PARTITION, deadline) if _ID.fullmatch(row.key)]

    def _read(self, deadline: Deadline) -> None:
        """Take the table as it is. A key that this process has had stays unwrapped while its row is the same."""
        try:
            found = self._read_rows(deadline)
        except errors.StorageUnavailable:
            self._due = self._look_again = self._clock.monotonic() + TABLE_RETRY_SECONDS
            raise
        rows = {}
        for known in found:
            before = self._rows.get(known.id)
            if before is not None and known.same_key(before):
                known = replace(known, data_key=before.data_key, ours=before.ours)
            rows[known.id] = known
        self._take(rows)
        self._was_read = True
        self._due = self._clock.monotonic() + self._settle / 2
        self._unwrap_living(deadline)
        # The very first key is used at once: a process that came too early for it may look again at any time.
        self._look_again = self._clock.monotonic() + LOOK_SECONDS if self._keys else float("-inf")

    def _take(self, rows: dict[str, KeyRow]) -> None:
        self._rows = rows
        self._keys = {key_id: known.data_key for key_id, known in rows.items() if known.data_key is not None}

    def _unwrap_living(self, deadline: Deadline) -> None:
        """Unwrap, the newest first, what something living may have been sealed under: it serves through an outage.

        The newest of ours is unwrapped even where nothing lives: there is no next key without one before it.
        """
        now, together, seen = self._clock.now(), deadline.within(WRAPPING_SECONDS), False
        for known in reversed(list(self._rows.values())):
            if known.needed_until >= now or not seen:
                seen |= self._unwrap(known, together).ours

    def _unwrap(self, known: KeyRow, deadline: Deadline) -> KeyRow:
        """The row with its key, if that can be had now."""
        if known.data_key is not None or not known.ours or self._is_paused(known.id):
            return known
        try:
            key = self._wrapping.unwrap(known.wrapped, known.wrapped_by, deadline)
            known = replace(known, data_key=DataKey(known.id, key))
        except NotOurs:
            log.event("key_not_ours", logging.WARNING, key_id=known.id)
            known = replace(known, ours=False)
        except errors.KeysUnavailable:
            self._not_before[known.id] = self._clock.monotonic() + RETRY_SECONDS
        self._take({**self._rows, known.id: known})
        return known

    def _is_paused(self, key_id: str) -> bool:
        return self._clock.monotonic() < self._not_before.get(key_id, float("-inf"))

    def _is_next_due(self) -> bool:
        ours = [known for known in self._rows.values() if known.ours]
        if not self._was_read or (ours and self._current() is None):  # there are keys, but out of reach
            return False
        if ours and self._clock.now() + self._settle < ours[-1].active_from + self._period:
            return False
        return not self._is_paused(_NEW)

    def _add(self, deadline: Deadline) -> None:
        """Insert the key after the newest; whoever else does so at the same time, one of us succeeds.

        It becomes current when all have read of it; the very first one at once. It is used only as it comes back from
        the table and out of its wrapping: what could not be opened again must not seal anything.
        """
        now, is_first = int(self._clock.now()), self._current() is None
        active_from = now if is_first else now + self._settle
        try:
            wrapping = self._wrapping.wrap(os.urandom(32), deadline.within(WRAPPING_SECONDS))
        except errors.KeysUnavailable:
            pause = RETRY_SECONDS if is_first else ROTATION_RETRY_SECONDS
            self._not_before[_NEW] = self._clock.monotonic() + pause
            return
        number = max(map(int, self._rows), default=0) + 1
        row = new_row(number, now, active_from, active_from + self._period, wrapping)
        with contextlib.suppress(errors.RowChanged):
            self._store.insert("keyring", row, deadline)
            log.event("key_created", key_id=row.key, active_from=clocks.iso(active_from))

    def _kept(self, key_id: str, expires: int, deadline: Deadline) -> bool:
        """Have the row say that the key is needed until `expires` and a day or two beyond. False: there is no such row.

        The row is read first: another process has mostly said so already.
        """
        with self._alone(deadline):
            for _ in range(3):
                if key_id in self._rows and expires <= self._rows[key_id].needed_until:
                    return True
                row = self._store.read("keyring", PARTITION, key_id, deadline)
                if row is None or key_id not in self._rows:
                    self._due = float("-inf")
                    return False
                needed_until = parsed(row).needed_until
                if needed_until < expires:
                    needed_until = (expires // _DAY + 2) * _DAY
                    try:
                        self._store.merge("keyring", replace(row, properties={"needed_until": needed_until}), deadline)
                    except errors.StoreSignal:
                        continue
                self._take({**self._rows, key_id: replace(self._rows[key_id], needed_until=needed_until)})
                return True
        raise errors.StorageUnavailable

    def _looked_up(self, key_id: str, deadline: Deadline) -> DataKey | None:
        if not _ID.fullmatch(key_id):
            return None
        if self._may_be_new(key_id):
            with self._alone(deadline):
                if self._may_be_new(key_id):
                    self._read(deadline)
        known = self._rows.get(key_id)
        if known is not None and known.ours and known.data_key is None:
            with self._alone(deadline.within(0.0) if key_id in self._not_before else deadline):
                known = self._unwrap(self._rows[key_id], deadline) if key_id in self._rows else None
            if known is not None and known.ours and known.data_key is None:
                raise errors.KeysUnavailable
        return known.data_key if known else None

    def _may_be_new(self, key_id: str) -> bool:
        """Whether the table may have this id by now: a new key's is above all others.

        Raises errors.KeysUnavailable where the table has just been read; without the lock, so that a flood of invented
        ids queues for nothing but a reading that is under way.
        """
        if key_id <= max(self._rows, default=""):
            return False
        wait = self._look_again - self._clock.monotonic()
        if wait > 0:
            raise errors.KeysUnavailable(retry_after=math.ceil(wait))
        return True

    @contextlib.contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        """Raises errors.KeysUnavailable where another thread is at it until the deadline."""
        if not self._lock.acquire(timeout=max(0.0, deadline.remaining())):
            raise errors.KeysUnavailable(retry_after=1)
        try:
            yield
        finally:
            self._lock.release()
