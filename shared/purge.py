"""Deletes what has expired: sessions of past days with their index rows, what got lost of the index, and old data keys.

Any step may be the last before the process dies, and the next run ends what this one began: index rows go before the
session's row that names them, and how far the scan of the index has come stands in the table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared import clock as clocks
from shared import errors
from shared.clock import Clock, Deadline
from shared.keyring import Keyring
from shared.session_index import number
from shared.token_store import SECONDS as STORAGE_SECONDS
from shared.token_store import Row, Table, TokenStore

RUN_SECONDS = 300.0
"""What rows may take of one run; those that are not done by then are left to the next."""
KEYS_SECONDS = 10.0
PAGE = 1000
"""Index rows that are looked at between two notes of how far the scan has come."""
SKEW = 600
"""Seconds by which the clocks of two instances may differ."""
SIGN_IN_SECONDS = 3600
"""A sign-in writes its index rows first; by now it has written its session, or never will."""
EPOCH_SECONDS = 86400
"""An epoch matters to sign-ins that were under way when it was written, none of which takes a day."""

_BATCH = 100  # rows; session rows are large, and one batch deletes no more
_SHARDS = "0123456789abcdef"
_FIRST, _END = "sid.", "user/"  # between them lie sid.* and user.*
_MARK = ("purge", "scan")
_SESSION = re.compile(r"([0-9a-f][0-9]{8})/([A-Za-z0-9_-]{43})")


@dataclass
class Purged:
    """What one run has deleted, in rows, and which part was `left` to the next run; None where all is done."""

    sessions: int = 0
    index_rows: int = 0
    orphans: int = 0
    epochs: int = 0
    keys: int = 0
    left: str | None = None


class _TimeIsUp(Exception):
    """The run has had its time."""


class Purge:
    """Removes rows that nobody can use any more. Safe to run at any time, by several instances at once."""

    def __init__(self, store: TokenStore, keyring: Keyring, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock

    def run(self) -> Purged:
        """One run of at most five minutes. Raises errors.StorageUnavailable."""
        done, ends = Purged(), Deadline(self._clock, RUN_SECONDS)
        try:
            done.left = "sessions"
            self._expired_sessions(done, ends)
            done.left = "index"
            self._scan(done, ends)
            done.left = None
        except _TimeIsUp:
            pass
        done.keys = self._keyring.prune(Deadline(self._clock, STORAGE_SECONDS))
        try:
            self._keyring.rotate_if_due(Deadline(self._clock, KEYS_SECONDS))
        except errors.KeysUnavailable:
            done.left = done.left or "keys"
        return done

    def _expired_sessions(self, done: Purged, ends: Deadline) -> None:
        """Sessions of past days; what expired today is refused by its age, and goes tomorrow."""
        today = clocks.day(self._clock.now() - SKEW)
        for shard in _SHARDS:
            while rows := self._store.query(
                "sessions", self._next(ends), partition_from=shard, partition_before=shard + today, most=_BATCH
            ):
                done.index_rows += self._delete("sessionindex", _indexed(rows), ends)
                done.sessions += self._delete("sessions", [(row.partition, row.key) for row in rows], ends)

    def _scan(self, done: Purged, ends: Deadline) -> None:
        """Look at the whole index, at most once a day: whoever ended a session may have died before its index rows."""
        mark = self._begun(ends)
        while mark is not None and (begin := str(mark.properties["next"])) != _END:
            rows = self._store.query(
                "sessionindex", self._next(ends), partition_from=begin, partition_before=_END, most=PAGE
            )
            following = _END
            if len(rows) == PAGE:  # the last partition may go on beyond the page
                last = rows[-1].partition
                rows = [row for row in rows if row.partition != last]
                rows += self._store.partition("sessionindex", last, self._next(ends))
                following = last + "!"  # before any other name that could follow
            orphans = [(row.partition, row.key) for row in rows if self._is_orphan(row, ends)]
            done.orphans += self._delete("sessionindex", orphans, ends)
            done.epochs += sum(self._forgotten(row, ends) for row in rows if row.key == "epoch")
            mark = self._noted(mark, following, ends)

    def _begun(self, ends: Deadline) -> Row | None:
        """Today's scan, begun or taken over; None where it is done, or another instance has just taken it."""
        today = clocks.day(self._clock.now())
        known = self._store.read("sessionindex", *_MARK, self._next(ends))
        if known is None:
            try:
                self._store.insert("sessionindex", Row(*_MARK, {"day": "", "next": _END}), self._next(ends))
            except errors.RowChanged:
                return None
            known = self._store.read("sessionindex", *_MARK, self._next(ends))
        if known is None:
            return None
        following = known.properties["next"] if known.properties["day"] == today else _FIRST
        if following == _END:
            return None
        return self._noted(Row(known.partition, known.key, {"day": today}, known.etag), str(following), ends)

    def _noted(self, mark: Row, following: str, ends: Deadline) -> Row | None:
        """Write down how far the scan has come; None where another instance has taken it over."""
        row = Row(mark.partition, mark.key, {**mark.properties, "next": following}, mark.etag)
        try:
            return Row(row.partition, row.key, row.properties, self._store.merge("sessionindex", row, self._next(ends)))
        except (errors.RowChanged, errors.RowGone):
            return None
        except errors.OutcomeUnknown:
            raise errors.StorageUnavailable from None

    def _is_orphan(self, row: Row, ends: Deadline) -> bool:
        """Whether an index row names a session that is gone."""
        if row.key == "epoch":
            return False
        now = self._clock.now()
        if clocks.day(_seconds(row, "expires")) < clocks.day(now - SKEW):
            return True
        if _seconds(row, "created") > now - SIGN_IN_SECONDS:
            return False
        place = _SESSION.fullmatch(str(row.properties.get("session")))
        return place is None or self._store.read("sessions", place[1], place[2], self._next(ends)) is None

    def _forgotten(self, row: Row, ends: Deadline) -> bool:
        """Delete an epoch that is old, if it is still the one that was read."""
        if _seconds(row, "changed") > self._clock.now() - EPOCH_SECONDS:
            return False
        try:
            self._store.delete("sessionindex", row.partition, row.key, self._next(ends), row.etag)
        except errors.RowChanged:
            return False
        return True

    def _delete(self, table: Table, places: Iterable[tuple[str, str]], ends: Deadline) -> int:
        partitions: dict[str, list[str]] = defaultdict(list)
        for partition, key in places:
            partitions[partition].append(key)
        for partition, keys in partitions.items():
            self._store.delete_rows(table, partition, keys, self._next(ends))
        return sum(map(len, partitions.values()))

    def _next(self, ends: Deadline) -> Deadline:
        """The deadline of the run's next call to the table. Raises _TimeIsUp where the run has had its time."""
        if ends.remaining() <= 0:
            raise _TimeIsUp
        return Deadline(self._clock, STORAGE_SECONDS)


def _indexed(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Where the index rows of these sessions are."""
    for row in rows:
        for partition in (row.properties.get("user_pk"), row.properties.get("sid_pk")):
            if isinstance(partition, str) and partition:
                yield partition, number(row.key)


def _seconds(row: Row, name: str) -> int:
    """A time of an index row; 0, which is long ago, where it has none."""
    value = row.properties.get(name)
    return value if isinstance(value, int) else 0
