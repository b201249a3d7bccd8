"""The table as one actor sees it: each operation is one call, which may go wrong in every way that a real one can."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared import errors
from shared.clock import Deadline
from shared.token_store import Row, Table, TokenStore
from tests.explorer.model import Late, Model, Place, Write
from tests.explorer.stage import Actor, Call, Outcome

type Perform = Callable[[Call], Outcome]

READING = (Outcome.DIES, Outcome.UNAVAILABLE)
WRITING = (*READING, Outcome.UNANSWERED)
MERGING = (*WRITING, Outcome.LOST, Outcome.REPEATED, Outcome.LATE)


class ActorStore(TokenStore):
    """Calls of one actor. The rules of the table are those of FakeStore, which the contract suite holds to the real."""

    def __init__(self, model: Model, actor: Actor, perform: Perform) -> None:
        self._model = model
        self._actor = actor
        self._perform = perform

    def read(self, table: Table, partition: str, key: str, deadline: Deadline) -> Row | None:
        def read() -> list[Row]:
            row = self._model.table.read(table, partition, key, deadline)
            return [row] if row else []

        rows = self._listed(table, f"reads {self._named(table, partition, key)}", read, deadline)
        return rows[0] if rows else None

    def query(
        self, table: Table, deadline: Deadline, *, partition_from: str, partition_before: str, most: int = 1000
    ) -> list[Row]:
        return self._listed(
            table,
            f"lists {table} from {partition_from} to {partition_before}",
            lambda: self._model.table.query(
                table, deadline, partition_from=partition_from, partition_before=partition_before, most=most
            ),
            deadline,
        )

    def partition(self, table: Table, name: str, deadline: Deadline) -> list[Row]:
        words = f"lists {table} of {'the person' if name.startswith('user.') else name}"
        return self._listed(table, words, lambda: self._model.table.partition(table, name, deadline), deadline)

    def insert(self, table: Table, row: Row, deadline: Deadline) -> None:
        self._change(
            Call(f"inserts into {self._named(table, row.partition, row.key)}", WRITING, table),
            [(table, row.partition, row.key)],
            lambda: self.inserted(table, row, deadline),
            deadline,
        )

    def merge(self, table: Table, row: Row, deadline: Deadline) -> str:
        place = (table, row.partition, row.key)
        columns = ", ".join(sorted(row.properties))
        self._change(
            Call(f"merges {columns} into {self._named(*place)}", MERGING, table),
            [place],
            lambda: self.merged(table, row, deadline),
            deadline,
        )
        return self._model.table.rows[place].etag

    def delete(self, table: Table, partition: str, key: str, deadline: Deadline, etag: str | None = None) -> None:
        self._change(
            Call(f"deletes {self._named(table, partition, key)}", WRITING, table),
            [(table, partition, key)],
            lambda: self._model.table.delete(table, partition, key, deadline, etag),
            deadline,
        )

    def delete_rows(self, table: Table, partition: str, keys: Sequence[str], deadline: Deadline) -> None:
        self._change(
            Call(f"deletes {len(keys)} of {table} of {partition}", WRITING, table),
            [(table, partition, key) for key in keys],
            lambda: self._model.table.delete_rows(table, partition, keys, deadline),
            deadline,
        )

    def inserted(self, table: Table, row: Row, deadline: Deadline) -> None:
        """What an insert does to the table."""
        self._model.table.insert(table, row, deadline)

    def merged(self, table: Table, row: Row, deadline: Deadline) -> None:
        """What a merge does to the table."""
        self._model.table.merge(table, row, deadline)

    def _listed(self, table: Table, words: str, look: Callable[[], list[Row]], deadline: Deadline) -> list[Row]:
        self._asked(Call(words, READING, table), deadline)
        try:
            rows = look()
        except errors.StorageUnavailable:  # too late
            self._model.observed(self._actor, "unavailable")
            raise
        self._model.answered(rows[0] if rows else "nothing")
        rows.sort(key=self._model.form)  # by keys they would come in another order in each run
        self._model.observed(self._actor, tuple(map(self._model.form, rows)))
        return rows

    def _change(self, call: Call, places: list[Place], apply: Callable[[], None], deadline: Deadline) -> None:
        outcome = self._asked(call, deadline)
        merging = call.outcomes is MERGING
        problem: Exception | None = None
        if outcome is Outcome.LATE:
            self._model.late.append(self._later(call, places, apply))
        elif outcome is not Outcome.LOST:
            problem = self._applied(places, apply, f"{self._actor.name} {self._actor.history}")
        if outcome is Outcome.REPEATED:
            problem = problem or errors.RowChanged()
        elif outcome is not Outcome.DONE:
            problem = errors.OutcomeUnknown() if merging else errors.StorageUnavailable()
        self._model.observed(self._actor, type(problem).__name__)
        self._model.answered(problem)
        if problem is not None:
            raise problem

    def _later(self, call: Call, places: list[Place], apply: Callable[[], None]) -> Late:
        maker = f"late {self._actor.name} {self._actor.history}"
        return Late(f"{call.words}, which is late", maker, self._actor, lambda: self._applied(places, apply, maker))

    def _asked(self, call: Call, deadline: Deadline) -> Outcome:
        if deadline.remaining() <= 0:
            raise errors.StorageUnavailable
        outcome = self._perform(call)
        if outcome is Outcome.UNAVAILABLE:
            self._model.observed(self._actor, "unavailable")
            raise errors.StorageUnavailable
        return outcome

    def _applied(self, places: list[Place], apply: Callable[[], None], maker: str) -> Exception | None:
        """Let the table do it, and tell who watches; gives back what the table raised."""
        rows = self._model.table.rows
        before = [rows.get(place) for place in places]
        try:
            apply()
        except (errors.StoreSignal, errors.StorageUnavailable) as problem:
            return problem
        for place, earlier in zip(places, before, strict=True):
            later = rows.get(place)
            if later is not earlier:
                self._model.wrote(Write(self._actor, place, earlier, later), maker)
        return None

    def _named(self, table: Table, partition: str, key: str) -> str:
        return self._model.place_name(table, partition, key)
