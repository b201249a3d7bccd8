"""The table in memory. The contract suite holds it and the real one to the same behaviour."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared import errors
from shared.clock import Deadline
from shared.token_store import Row, Table, TokenStore, Value

type Operation = Literal["read", "insert", "merge", "delete", "delete_rows", "query", "partition"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What one call raises, and whether the table had done what it was asked by then."""

    raises: type[errors.StoreSignal] | type[errors.StorageUnavailable]
    applied: bool = False


UNAVAILABLE = Fault(errors.StorageUnavailable)
UNAVAILABLE_AFTER = Fault(errors.StorageUnavailable, applied=True)
UNKNOWN_BEFORE = Fault(errors.OutcomeUnknown)
"""The request was lost on its way."""
UNKNOWN_AFTER = Fault(errors.OutcomeUnknown, applied=True)
"""The answer was lost on its way."""
CHANGED = Fault(errors.RowChanged)
CHANGED_AFTER = Fault(errors.RowChanged, applied=True)
"""Our own first try had arrived, and its repetition meets its own result."""
GONE = Fault(errors.RowGone)

type Step = Fault | Callable[[], object] | None
"""For one call: a fault, something that happens just before it, or nothing out of the ordinary."""

_RAISED: dict[Operation, tuple[type[Exception], ...]] = {
    "read": (errors.StorageUnavailable,),
    "insert": (errors.StorageUnavailable, errors.RowChanged, errors.OutcomeUnknown),
    "merge": (errors.StorageUnavailable, errors.StoreSignal),
    "delete": (errors.StorageUnavailable, errors.RowChanged),
    "delete_rows": (errors.StorageUnavailable,),
    "query": (errors.StorageUnavailable,),
    "partition": (errors.StorageUnavailable,),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was made; its key is empty where it is about no single row."""

    operation: Operation
    table: Table
    partition: str
    key: str


class FakeStore(TokenStore):
    """A TokenStore over a dictionary. `script` says what happens to the next calls of one operation."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Table, str, str], Row] = {}
        self.calls: list[Call] = []
        self.written: list[Row] = []
        """Every row as it was after each write of it."""
        self._steps: dict[Operation, deque[Step]] = {}
        self._lock = threading.RLock()
        self._writes = 0

    def script(self, operation: Operation, *steps: Step) -> None:
        """Queue one step for each of the next calls of `operation`. Only what the real one raises can be scripted."""
        for step in steps:
            if isinstance(step, Fault) and not issubclass(step.raises, _RAISED[operation]):
                raise ValueError(f"{operation} never raises {step.raises.__name__}")
        self._steps.setdefault(operation, deque()).extend(steps)

    def count(self, operation: Operation | None = None) -> int:
        """How many calls were made, of one operation or of all."""
        return sum(operation in (None, call.operation) for call in self.calls)

    def session_rows(self) -> list[Row]:
        """Every session's row."""
        return [row for (table, _, _), row in self.rows.items() if table == "sessions"]

    def change(self, row: Row, **properties: Value) -> None:
        """Alter properties of a stored row behind the app's back; its ETag changes with them."""
        with self._lock:
            found = next(place for place, known in self.rows.items() if place[1:] == (row.partition, row.key))
            self.rows[found] = Row(*found[1:], {**self.rows[found].properties, **properties}, self._next_etag())

    def read(self, table: Table, partition: str, key: str, deadline: Deadline) -> Row | None:
        found: list[Row | None] = []
        self._call(
            "read", table, partition, key, deadline, lambda: found.append(self.rows.get((table, partition, key)))
        )
        return found[0]

    def insert(self, table: Table, row: Row, deadline: Deadline) -> None:
        place = (table, row.partition, row.key)

        def apply() -> None:
            if place in self.rows:
                raise errors.RowChanged
            self.rows[place] = Row(row.partition, row.key, dict(row.properties), self._next_etag())
            self.written.append(self.rows[place])

        self._call("insert", table, row.partition, row.key, deadline, apply)

    def merge(self, table: Table, row: Row, deadline: Deadline) -> str:
        place = (table, row.partition, row.key)
        etags: list[str] = []

        def apply() -> None:
            known = self.rows.get(place)
            if known is None:
                raise errors.RowGone
            if known.etag != row.etag:
                raise errors.RowChanged
            merged = Row(row.partition, row.key, {**known.properties, **row.properties}, self._next_etag())
            self.rows[place] = merged
            self.written.append(merged)
            etags.append(merged.etag)

        self._call("merge", table, row.partition, row.key, deadline, apply)
        return etags[0]

    def delete(self, table: Table, partition: str, key: str, deadline: Deadline, etag: str | None = None) -> None:
        place = (table, partition, key)

        def apply() -> None:
            if place in self.rows and etag not in (None, self.rows[place].etag):
                raise errors.RowChanged
            self.rows.pop(place, None)

        self._call("delete", table, partition, key, deadline, apply)

    def delete_rows(self, table: Table, partition: str, keys: Sequence[str], deadline: Deadline) -> None:
        def apply() -> None:
            for key in keys:
                self.rows.pop((table, partition, key), None)

        self._call("delete_rows", table, partition, "", deadline, apply)

    def query(
        self, table: Table, deadline: Deadline, *, partition_from: str, partition_before: str, most: int = 1000
    ) -> list[Row]:
        found: list[Row] = []

        def apply() -> None:
            found.extend(self._sorted(table, lambda partition: partition_from <= partition < partition_before)[:most])

        self._call("query", table, partition_from, "", deadline, apply)
        return found

    def partition(self, table: Table, name: str, deadline: Deadline) -> list[Row]:
        found: list[Row] = []
        self._call(
            "partition",
            table,
            name,
            "",
            deadline,
            lambda: found.extend(self._sorted(table, lambda partition: partition == name)),
        )
        return found

    def _sorted(self, table: Table, wanted: Callable[[str], bool]) -> list[Row]:
        places = sorted(place for place in self.rows if place[0] == table and wanted(place[1]))
        return [self.rows[place] for place in places]

    def _call(
        self,
        operation: Operation,
        table: Table,
        partition: str,
        key: str,
        deadline: Deadline,
        apply: Callable[[], object],
    ) -> None:
        with self._lock:
            self.calls.append(Call(operation, table, partition, key))
            steps = self._steps.get(operation)
            step = steps.popleft() if steps else None
        if deadline.remaining() <= 0:
            raise errors.StorageUnavailable
        if callable(step):
            step()
        with self._lock:
            if not isinstance(step, Fault):
                apply()
                return
            if step.applied:
                apply()
        raise step.raises()

    def _next_etag(self) -> str:
        self._writes += 1
        return f"W/\"datetime'{self._writes}'\""
