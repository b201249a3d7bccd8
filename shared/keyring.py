"""The data keys under which sessions are sealed: rows of the table, each wrapped by a key that is not in it.

One key is current, and follows the one before it `period` seconds later. It is written `settle` seconds before it
becomes current, and every process reads the table again in half that time, so that all know a key before any seals
with it. Keys are numbered and only ever inserted: of several processes that make the next one, one succeeds, and the
others take that. A key's row says until when something sealed under it may live; it is deleted after that.
"""

from __future__ import annotations

import math
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

from shared import clock as clocks
from shared import errors, log
from shared.clock import Clock, Deadline
from shared.sealing import DataKey
from shared.token_store import Row, TokenStore
from shared.wrapping import NotOurs, WrappingKey

PERIOD = 30 * 86400
SETTLE = 600
LOOK_SECONDS = 30.0
"""How long after one reading of the table an unknown id is not looked for again."""
RETRY_SECONDS = 5.0
"""How long a wrapping key that could not be reached is left alone."""
ROTATION_RETRY_SECONDS = 60.0
_DAY = 86400
_PARTITION = "keys"
_ID = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row. `data_key` is None while it was not unwrapped, and for ever where it is not `ours`."""

    row: Row
    active_from: int
    needed_until: int
    data_key: DataKey | None = None
    ours: bool = True


class Keyring:
    """Methods raise errors.KeysUnavailable while a key cannot be had, and errors.StorageUnavailable.

    Finding a key that was used before takes one look into a dictionary and no lock.
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
        self._entries: dict[str, _Entry] = {}  # in the order of their ids; replaced as a whole, under the lock
        self._keys: dict[str, DataKey] = {}
        self._read_at = float("-inf")
        self._not_before: dict[str, float] = {}
        """By key id, "" for a new one: when the wrapping key may be asked again, after it failed."""

    def current(self, expires: int, deadline: Deadline) -> DataKey:
        """The key with which to seal what lives until `expires` (seconds since 1970); its row is kept as long."""
        for _ in range(2):
            entry = self._current() if self._clock.monotonic() < self._read_at + self._settle / 2 else None
            entry = entry or self._refreshed(deadline)
            if expires <= entry.needed_until or self._kept(entry, expires, deadline):
                assert entry.data_key is not None
                return entry.data_key
        raise errors.KeysUnavailable(retry_after=1)

    def find(self, key_id: str, deadline: Deadline) -> DataKey | None:
        """The key that something was sealed with; None where there surely is no such key, or no longer."""
        return self._keys.get(key_id) or self._looked_up(key_id, deadline)
