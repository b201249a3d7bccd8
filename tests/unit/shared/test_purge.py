from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from shared import clock as clocks
from shared import errors
from shared.clock import Deadline
from shared.keyring import Keyring
from shared.purge import EPOCH_SECONDS, PAGE, RUN_SECONDS, SIGN_IN_SECONDS, SKEW, Purge
from shared.session_index import number
from shared.token_store import Row, Table, Value
from tests.fakes.build import world
from tests.fakes.clock import START, FakeClock
from tests.fakes.store import UNAVAILABLE, FakeStore, Operation

DAY = 86400
NOON = START + DAY / 2


class Keys(Keyring):
    """Says what it was asked."""

    def __init__(self, vault: bool = True) -> None:
        self.asked: list[str] = []
        self._vault = vault

    def prune(self, deadline: Deadline) -> int:
        self.asked.append("prune")
        return 2

    def rotate_if_due(self, deadline: Deadline) -> None:
        self.asked.append("rotate")
        if not self._vault:
            raise errors.KeysUnavailable


class Stage:
    """A table with sessions in it as sign-ins leave them, and a purge of it."""

    def __init__(self, store: FakeStore | None = None) -> None:
        self.clock, self.store, self.keys = FakeClock(NOON), store or FakeStore(), Keys()
        self.purge = Purge(self.store, self.keys, self.clock)
        self._signed_in = 0

    def insert(self, table: Table, partition: str, key: str, properties: dict[str, Value]) -> None:
        self.store.insert(table, Row(partition, key, properties), Deadline(self.clock, 4))

    def sign_in(
        self, *, expires: float, created: float | None = None, person: str = "ada", sid: str = "s1", row: bool = True
    ) -> None:
        """Index rows and then, unless `row` says no, the session's own."""
        self._signed_in += 1
        secret = hashlib.sha256(str(self._signed_in).encode())
        partition, key = secret.hexdigest()[0] + clocks.day(expires), secret.hexdigest()[:43]
        user_pk, sid_pk = f"user.tenant.{person}", f"sid.{sid}" if sid else ""
        times: dict[str, Value] = {
            "created": int(self.clock.now() if created is None else created),
            "expires": int(expires),
        }
        for place in filter(None, (user_pk, sid_pk)):
            self.insert("sessionindex", place, number(key), {"session": f"{partition}/{key}", **times})
        if row:
            columns: dict[str, Value] = {"user_pk": user_pk, "sid_pk": sid_pk}
            self.insert("sessions", partition, key, {**columns, **times})

    def rows(self, table: Table) -> int:
        """How many, the row that remembers the scan aside."""
        return sum(place[0] == table and place[1] != "purge" for place in self.store.rows)

    def counts(self) -> tuple[int, int]:
        return self.rows("sessions"), self.rows("sessionindex")

    def calls(self, operation: Operation, table: Table) -> int:
        return sum((call.operation, call.table) == (operation, table) for call in self.store.calls)


@pytest.fixture
def table() -> Stage:
    return Stage()


def test_sessions_of_past_days_go_with_their_index_rows_and_all_others_stay(table: Stage) -> None:
    now = table.clock.now()
    table.sign_in(expires=now - DAY)
    table.sign_in(expires=now - 9 * DAY, person="grace", sid="")
    table.sign_in(expires=now)
    table.sign_in(expires=now + DAY)
    done = table.purge.run()
    assert (done.sessions, done.index_rows, done.orphans, done.left) == (2, 3, 0, None)
    assert table.counts() == (2, 4)


def test_what_expired_today_waits_until_tomorrow_with_its_index_rows(table: Stage) -> None:
    table.sign_in(expires=table.clock.now() - 60)
    table.purge.run()
    assert table.counts() == (1, 2)
    table.clock.advance(DAY)
    table.purge.run()
    assert table.counts() == (0, 0)


def test_a_clock_that_runs_ahead_takes_nobody_s_session_at_midnight(table: Stage) -> None:
    midnight = START + DAY
    table.sign_in(expires=midnight - 1)
    table.clock.jump(DAY / 2 + SKEW - 1)
    table.purge.run()
    assert table.counts() == (1, 2)
    table.clock.jump(1)
    table.purge.run()
    assert table.counts() == (0, 0)


def test_a_session_without_the_columns_of_the_index_goes_as_well(table: Stage) -> None:
    table.insert("sessions", "a20251230", "key", {"expires": 0})
    assert table.purge.run().sessions == 1
    assert table.counts() == (0, 0)


def test_a_whole_month_of_everybody_goes_in_batches(table: Stage) -> None:
    for count in range(700):
        table.sign_in(expires=table.clock.now() - DAY * (1 + count % 2), person=str(count % 9))
    table.sign_in(expires=table.clock.now() + DAY)
    done = table.purge.run()
    assert (done.sessions, done.index_rows, done.left) == (700, 1400, None)
    assert table.counts() == (1, 2)
    assert table.calls("delete_rows", "sessions") <= 2 * 16
    assert table.calls("delete", "sessions") == 0


def test_a_purge_reads_no_partition_of_today_or_later(table: Stage) -> None:
    read: list[tuple[str, str]] = []

    class Watched(FakeStore):
        def query(self, table: Table, deadline: Deadline, **asked: Any) -> list[Row]:
            if table == "sessions":
                read.append((asked["partition_from"], asked["partition_before"]))
            return super().query(table, deadline, **asked)

    Stage(Watched()).purge.run()
    assert [(first, before) for first, before in read] == [(shard, shard + "20260101") for shard in "0123456789abcdef"]


def test_index_rows_whose_session_is_gone_go_when_no_sign_in_can_still_be_writing_it(table: Stage) -> None:
    expires = table.clock.now() + 7 * DAY
    table.sign_in(expires=expires, row=False)
    table.sign_in(expires=expires, person="grace")
    table.clock.advance(SIGN_IN_SECONDS - 1)
    table.sign_in(expires=expires, row=False, created=table.clock.now() - SIGN_IN_SECONDS, sid="s2")
    done = table.purge.run()
    assert (done.orphans, table.counts()) == (2, (1, 4))
    table.clock.advance(DAY)
    done = table.purge.run()
    assert (done.orphans, table.counts()) == (2, (1, 2))


def test_index_rows_of_past_days_go_without_a_look_at_their_session(table: Stage) -> None:
    table.sign_in(expires=table.clock.now() - 3 * DAY, row=False)
    assert table.purge.run().orphans == 2
    assert table.calls("read", "sessions") == 0


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"session": "x'/../y", "created": 1, "expires": 9_999_999_999},
        {"session": "a20260101/short", "created": 1, "expires": 9_999_999_999},
        {"session": 7, "created": "soon", "expires": "never"},
    ],
)
def test_an_index_row_that_names_no_session_is_an_orphan(table: Stage, properties: dict[str, Value]) -> None:
    table.insert("sessionindex", "user.tenant.ada", "number", properties)
    assert table.purge.run().orphans == 1
    assert table.counts() == (0, 0)


def test_the_index_is_scanned_once_a_day_and_no_oftener(table: Stage) -> None:
    for hour in range(48):
        table.sign_in(expires=table.clock.now() + 7 * DAY, created=0, row=False, person=str(hour))
        table.purge.run()
        assert table.calls("query", "sessionindex") == 1 + (hour + 12) // 24
        table.clock.advance(3600)


def test_a_scan_of_several_pages_looks_at_each_row(table: Stage) -> None:
    for count in range(PAGE):
        name, row = str(count), count % 2 > 0
        table.sign_in(expires=table.clock.now() + DAY, created=0, person=name, sid=name, row=row)
    done = table.purge.run()
    assert (done.orphans, done.left) == (PAGE, None)
    assert table.counts() == (PAGE // 2, PAGE)
    assert table.calls("query", "sessionindex") == 3  # the last page is empty


def test_a_partition_that_is_longer_than_a_page_does_not_hold_up_the_scan(table: Stage) -> None:
    for count in range(PAGE + 5):
        table.sign_in(expires=table.clock.now() + DAY, sid="crowd", person=str(count // 7))
    table.sign_in(expires=table.clock.now() + DAY, created=0, sid="crowd-2", person="zoe", row=False)
    done = table.purge.run()
    assert (done.orphans, done.left) == (2, None)
    assert table.counts() == (PAGE + 5, 2 * (PAGE + 5))


def test_of_two_instances_that_begin_at_once_one_scans(table: Stage) -> None:
    table.sign_in(expires=table.clock.now() + DAY, created=0, row=False)
    other = Purge(table.store, Keys(), table.clock)
    found: list[int] = []
    table.store.script("merge", lambda: found.append(other.run().orphans))
    assert table.purge.run().orphans == 0
    assert found == [2]
    assert table.calls("query", "sessionindex") == 1


def test_of_two_very_first_instances_one_scans(table: Stage) -> None:
    other = Purge(table.store, Keys(), table.clock)
    table.store.script("insert", lambda: other.run())
    assert table.purge.run().left is None
    assert table.calls("query", "sessionindex") == 1


def test_a_scan_that_was_taken_over_stops_and_is_not_begun_again_that_day(table: Stage) -> None:
    for count in range(PAGE):
        table.sign_in(expires=table.clock.now() + DAY, person=str(count), sid=str(count))
    other = Purge(table.store, Keys(), table.clock)
    table.store.script("merge", None, lambda: other.run())
    table.purge.run()
    scans = table.calls("query", "sessionindex")
    assert scans == 1 + 3
    table.purge.run()
    assert table.calls("query", "sessionindex") == scans


def test_old_epochs_go_and_fresh_ones_stay(table: Stage) -> None:
    now = int(table.clock.now())
    table.insert("sessionindex", "user.tenant.ada", "epoch", {"epoch": "a", "changed": now - EPOCH_SECONDS})
    table.insert("sessionindex", "user.tenant.bob", "epoch", {"epoch": "b", "changed": now - EPOCH_SECONDS + 1})
    assert table.purge.run().epochs == 1
    assert [place[1] for place in table.store.rows if place[2] == "epoch"] == ["user.tenant.bob"]


def test_an_epoch_that_is_renewed_while_the_old_one_is_being_forgotten_stays(table: Stage) -> None:
    old = Row("user.tenant.ada", "epoch", {"epoch": "a", "changed": 0})
    table.insert("sessionindex", old.partition, old.key, dict(old.properties))
    table.store.script("delete", lambda: table.store.change(old, epoch="b"))
    assert table.purge.run().epochs == 0
    assert table.store.rows["sessionindex", old.partition, old.key].properties["epoch"] == "b"


class Killed(BaseException):
    """The process is gone."""


class Mortal(FakeStore):
    """Kills whoever makes its nth call: before it takes effect, or after."""

    def __init__(self) -> None:
        super().__init__()
        self.lives: float = float("inf")
        self.after = False

    def _call(
        self,
        operation: Operation,
        table: Table,
        partition: str,
        key: str,
        deadline: Deadline,
        apply: Callable[[], object],
    ) -> None:
        self.lives -= 1
        if self.lives == 0 and not self.after:
            raise Killed
        super()._call(operation, table, partition, key, deadline, apply)
        if self.lives == 0:
            raise Killed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_the_next_run_ends_the_work(after: bool) -> None:
    deaths = 0
    while True:
        store = Mortal()
        table = Stage(store)
        now = table.clock.now()
        for count in range(6):
            table.sign_in(expires=now - DAY, person=str(count % 2), sid=str(count % 3))
        table.sign_in(expires=now + DAY, created=0, person="lost", row=False)
        table.sign_in(expires=now + DAY, created=0, person="kept")
        table.insert("sessionindex", "user.tenant.kept", "epoch", {"epoch": "a", "changed": 0})
        store.lives, store.after = deaths + 1, after
        try:
            table.purge.run()
        except Killed:
            deaths += 1
        else:
            break
        store.lives = float("inf")
        assert table.purge.run().left is None
        assert table.counts() == (1, 2), f"killed at call {deaths}"
    assert deaths > 30


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_on_a_day_whose_scan_is_done_no_index_row_waits_for_the_next_scan(after: bool) -> None:
    deaths = 0
    while True:
        store = Mortal()
        table = Stage(store)
        table.purge.run()
        for count in range(3):
            table.sign_in(expires=table.clock.now() - DAY, person=str(count))
        store.lives, store.after = deaths + 1, after
        try:
            table.purge.run()
        except Killed:
            deaths += 1
        else:
            break
        store.lives = float("inf")
        table.purge.run()
        assert table.counts() == (0, 0), f"killed at call {deaths}"
    assert deaths > 15


def test_a_run_ends_in_its_time_and_says_what_it_left_to_the_next(table: Stage) -> None:
    class Slow(FakeStore):
        def _call(self, *arguments: Any) -> None:
            slow.clock.advance(3.5)
            super()._call(*arguments)

    slow = Stage(Slow())
    for count in range(100):
        slow.sign_in(expires=slow.clock.now() - DAY, person=str(count), sid=str(count))
    left: list[str | None] = []
    while not left or left[-1]:
        began = slow.clock.monotonic()
        left.append(slow.purge.run().left)
        assert slow.clock.monotonic() - began < RUN_SECONDS + 4
    assert left[0] == "sessions"
    assert left[-1] is None
    assert 1 < len(left) < 12
    assert slow.counts() == (0, 0)


def test_keys_are_pruned_and_turned_even_where_rows_are_left(table: Stage) -> None:
    table.store.script("query", lambda: table.clock.advance(RUN_SECONDS))
    table.store.rows["sessions", "020251230", "key"] = Row("020251230", "key", {})
    done = table.purge.run()
    assert (done.left, done.keys, table.keys.asked) == ("sessions", 2, ["prune", "rotate"])


def test_a_vault_that_is_down_holds_up_no_row() -> None:
    table = Stage()
    table.sign_in(expires=table.clock.now() - DAY)
    done = Purge(table.store, Keys(vault=False), table.clock).run()
    assert (done.sessions, done.keys, done.left) == (1, 2, "keys")


@pytest.mark.parametrize("operation", ["query", "delete_rows", "read", "insert", "merge"])
def test_where_the_table_does_not_answer_a_run_says_so_and_the_next_goes_on(operation: Operation) -> None:
    table = Stage()
    table.sign_in(expires=table.clock.now() - DAY)
    table.sign_in(expires=table.clock.now() + DAY, created=0, row=False)
    table.store.script(operation, UNAVAILABLE)
    with pytest.raises(errors.StorageUnavailable):
        table.purge.run()
    assert table.purge.run().left is None
    assert table.counts() == (0, 0)


def test_real_sessions_leave_nothing_behind_after_their_last_day() -> None:
    app = world()
    for _ in range(3):
        app.sign_in()
    app.clock.advance(app.config.session_max_age + DAY + SKEW)
    done = app.services.purge.run()
    assert (done.sessions, done.left) == (3, None)
    assert {place[0] for place in app.store.rows if place[1] != "purge"} <= {"keyring"}
