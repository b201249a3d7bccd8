"""The app's services with something to be told of every step: each operation of the table, and each grant.

Nothing of the app knows of it: the table and the grant are handed in, as they always are.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from dev.storm.history import stamp
from shared.clock import Deadline
from shared.keyring import PERIOD, SETTLE, Keyring
from shared.purge import Purge
from shared.refresh import Refresher
from shared.services import Services
from shared.session_index import SessionIndex
from shared.session_rows import Session, Tokens
from shared.sessions import Sessions
from shared.signed_in import SignedIn
from shared.token_store import Row, Table, TokenStore
from shared.wrapping import LocalKey, WrappingKey


class Steps:
    """The steps of one process as they are taken: "before X" and "after X" for each."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        """All since the last `arm`, with time and process."""
        self.note: Callable[[str], object] = self.taken.append
        self.times: dict[str, list[float]] = defaultdict(list)
        """When each kind of step was taken, on the clock that all processes of a machine share."""
        self._at = ""
        self._action: Callable[[], object] = lambda: None

    def arm(self, step: str, action: Callable[[], object]) -> None:
        """Forget what was taken; do something once, when the next such step comes."""
        self.taken.clear()
        self.times.clear()
        self._at, self._action = step, action

    def reached(self, step: str, of: str = "") -> None:
        """Note a step, and do what is to be done at it."""
        self.note(f"{stamp(time.time())} process {os.getpid()} {step} {of}")
        self.times[step].append(time.monotonic())
        if step == self._at:
            self._at = ""
            self._action()


class WatchedStore(TokenStore):
    """A table whose every operation is a step."""

    def __init__(self, table: TokenStore, steps: Steps) -> None:
        self._inner = table
        self._steps = steps

    def read(self, table: Table, partition: str, key: str, deadline: Deadline) -> Row | None:
        kind = "epoch" if key == "epoch" else table
        return self._step(f"reading {kind}", key, lambda: self._inner.read(table, partition, key, deadline))

    def insert(self, table: Table, row: Row, deadline: Deadline) -> None:
        kind = "epoch" if row.key == "epoch" else row.partition.partition(".")[0] if table == "sessionindex" else table
        self._step(f"inserting {kind}", row.key, lambda: self._inner.insert(table, row, deadline))

    def merge(self, table: Table, row: Row, deadline: Deadline) -> str:
        return self._step(f"writing {_change(row)}", row.key, lambda: self._inner.merge(table, row, deadline))

    def delete(self, table: Table, partition: str, key: str, deadline: Deadline, etag: str | None = None) -> None:
        kind = partition.partition(".")[0] if table == "sessionindex" else table
        self._step(f"deleting {kind}", key, lambda: self._inner.delete(table, partition, key, deadline, etag))

    def delete_rows(self, table: Table, partition: str, keys: Sequence[str], deadline: Deadline) -> None:
        of = f"{len(keys)} of {partition}"
        self._step(f"purging {table}", of, lambda: self._inner.delete_rows(table, partition, keys, deadline))

    def query(
        self, table: Table, deadline: Deadline, *, partition_from: str, partition_before: str, most: int = 1000
    ) -> list[Row]:
        return self._inner.query(
            table, deadline, partition_from=partition_from, partition_before=partition_before, most=most
        )

    def partition(self, table: Table, name: str, deadline: Deadline) -> list[Row]:
        return self._step(f"listing {table}", name, lambda: self._inner.partition(table, name, deadline))

    def _step[T](self, name: str, of: str, operation: Callable[[], T]) -> T:
        self._steps.reached(f"before {name}", of)
        try:
            result = operation()
        except Exception as problem:
            self._steps.reached(f"failed {name}", f"{of} {type(problem).__name__}")
            raise
        self._steps.reached(f"after {name}", of)
        return result


def _change(row: Row) -> str:
    """What a merge writes, by its properties."""
    known = row.properties
    if "generation" in known:
        return "tokens"
    if "lease_id" in known:
        return "lease" if known["lease_id"] else "release"
    return "epoch" if "epoch" in known else next(iter(known))


def watched(
    services: Services,
    steps: Steps,
    *,
    period: int = PERIOD,
    settle: int = SETTLE,
    pause: Callable[[float], object] | None = None,
    wrapping: WrappingKey | None = None,
) -> Services:
    """The same services over a watched table, with watched grants, and keys that change every `period` seconds.

    `pause` waits in the place of whoever waits for a lease; `wrapping` wraps keys in the place of SEALING_KEY.
    """
    config, clock, store = services.config, services.clock, WatchedStore(services.store, steps)
    if wrapping is None:
        assert config.sealing_key is not None
        wrapping = LocalKey(config.sealing_key)
    keyring = Keyring(store, wrapping, clock, period=period, settle=settle)
    index = SessionIndex(store, keyring, clock)
    sessions = Sessions(store, index, keyring, config, clock)

    def grant(session: Session, deadline: Deadline, claims: str | None = None) -> Tokens:
        steps.reached("before grant")
        tokens = services.auth.refresh(session, deadline, claims)
        steps.reached("after grant")
        return tokens

    return replace(
        services,
        store=store,
        keyring=keyring,
        index=index,
        sessions=sessions,
        signed_in=SignedIn(store, index, sessions),
        refresher=Refresher(sessions, clock, services.auth.prepare, grant, config.threads, pause=pause),
        purge=Purge(store, keyring, clock),
    )
