"""What the app relies on of its table: the same tests for the fake that other tests use and for Azurite."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from dev.azurite.serving import Azurite
from shared import errors
from shared.clock import Clock, Deadline, SystemClock
from shared.outbound import Outbound
from shared.settings import connection_string
from shared.token_store import Row, TokenStore, Value
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore


@dataclass(frozen=True)
class Subject:
    """A store, and a partition that no other test uses."""

    store: TokenStore
    clock: Clock
    partition: str

    def deadline(self, seconds: float = 4.0) -> Deadline:
        return Deadline(self.clock, seconds)

    def row(self, **properties: Value) -> Row:
        return Row(self.partition, "key", properties)

    def insert(self, **properties: Value) -> Row:
        """A new row as it is then read."""
        self.store.insert("sessions", self.row(**properties), self.deadline())
        return self.stored()

    def read(self, key: str = "key") -> Row | None:
        return self.store.read("sessions", self.partition, key, self.deadline())

    def stored(self, key: str = "key") -> Row:
        row = self.read(key)
        assert row is not None
        return row

    def merge(self, row: Row, **properties: Value) -> str:
        return self.store.merge("sessions", replace(row, properties=properties), self.deadline())

    def delete(self, key: str = "key") -> None:
        self.store.delete("sessions", self.partition, key, self.deadline())

    def insert_at(self, partition: str, *keys: str) -> None:
        for key in keys:
            self.store.insert("sessions", Row(partition, key, {"at": f"{partition}/{key}"}), self.deadline())

    def between(self, first: str, before: str, most: int = 1000) -> list[str]:
        found = self.store.query("sessions", self.deadline(), partition_from=first, partition_before=before, most=most)
        return [str(row.properties["at"]) for row in found]


@pytest.fixture(params=["fake", "azurite"])
def subject(request: pytest.FixtureRequest) -> Subject:
    partition = "a" + secrets.token_hex(8)
    if request.param == "fake":
        return Subject(FakeStore(), FakeClock(), partition)
    azurite: Azurite = request.getfixturevalue("azurite")
    address = connection_string(azurite.connection_string, in_azure=False)
    return Subject(TokenStore(address, Outbound(8), SystemClock()), SystemClock(), partition)


VALUES: dict[str, Value] = {
    "text": "plain",
    "empty_text": "",
    "unicode": "Zoë 𝒜𝓁 👩🏽‍🚀 محمد \\ \" ' \t\r\n \u2028",
    "digits": "0123",
    "base64": "AAEC",
    "date": "2026-01-01T00:00:00Z",
    "zero": 0,
    "small": 1,
    "negative": -1,
    "over_32_bits": 2**31,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "binary": bytes(range(256)),
    "empty_binary": b"",
    "binary_of_60_kib": secrets.token_bytes(60 * 1024),
}


@pytest.mark.parametrize("name", VALUES)
def test_each_kind_of_value_is_read_as_it_was_written(subject: Subject, name: str) -> None:
    row = subject.insert(**{name: VALUES[name]})
    assert row.properties == {name: VALUES[name]}
    assert type(row.properties[name]) is type(VALUES[name])


def test_a_row_of_all_kinds_at_once_is_read_whole(subject: Subject) -> None:
    row = subject.insert(**VALUES)
    assert (row.partition, row.key, row.properties) == (subject.partition, "key", VALUES)


def test_a_row_that_is_not_there_is_none(subject: Subject) -> None:
    assert subject.read() is None
    subject.insert(a=1)
    assert subject.read("other") is None
    assert subject.store.read("sessions", subject.partition + "x", "key", subject.deadline()) is None


def test_the_two_tables_hold_rows_of_their_own(subject: Subject) -> None:
    subject.insert(a=1)
    assert subject.store.read("sessionindex", subject.partition, "key", subject.deadline()) is None


def test_insert_never_replaces_a_row_that_is_there(subject: Subject) -> None:
    before = subject.insert(a=1, b="kept")
    with pytest.raises(errors.RowChanged):
        subject.store.insert("sessions", subject.row(a=2), subject.deadline())
    assert subject.stored() == before


def test_merge_changes_what_it_names_and_keeps_the_rest(subject: Subject) -> None:
    subject.merge(subject.insert(a=1, b="kept", c=b"kept"), a=2, d="new")
    assert subject.stored().properties == {"a": 2, "b": "kept", "c": b"kept", "d": "new"}


def test_merge_gives_back_the_etag_that_the_next_read_shows_and_every_write_changes_it(subject: Subject) -> None:
    row = subject.insert(a=1)
    etags = [row.etag]
    for _ in range(3):
        etags.append(subject.merge(replace(row, etag=etags[-1]), a=1))
        assert subject.stored().etag == etags[-1]
    assert len(set(etags)) == 4


def test_reading_does_not_change_the_etag(subject: Subject) -> None:
    assert subject.insert(a=1) == subject.stored()


def test_merge_refuses_a_row_that_somebody_else_has_written_since(subject: Subject) -> None:
    row = subject.insert(a=1)
    subject.merge(row, a=2)
    with pytest.raises(errors.RowChanged):
        subject.merge(row, a=3)
    assert subject.stored().properties == {"a": 2}


def test_merge_never_makes_a_row(subject: Subject) -> None:
    row = subject.insert(a=1)
    subject.delete()
    with pytest.raises(errors.RowGone):
        subject.merge(row, a=2)
    assert subject.read() is None


def test_merge_refuses_a_row_that_was_deleted_and_made_anew(subject: Subject) -> None:
    row = subject.insert(a=1)
    subject.delete()
    again = subject.insert(a=1)
    with pytest.raises(errors.RowChanged):
        subject.merge(row, a=2)
    assert subject.stored() == again


def test_delete_needs_no_etag_and_may_be_repeated(subject: Subject) -> None:
    subject.merge(subject.insert(a=1), a=2)
    for _ in range(2):
        subject.delete()
        assert subject.read() is None


def test_deleting_what_was_never_there_is_a_success(subject: Subject) -> None:
    kept = subject.insert(a=1)
    subject.delete("other")
    assert subject.stored() == kept


def test_a_row_is_deleted_only_while_it_has_the_etag_that_was_asked_for(subject: Subject) -> None:
    old = subject.insert(a=1)
    subject.merge(old, a=2)
    with pytest.raises(errors.RowChanged):
        subject.store.delete("sessions", old.partition, old.key, subject.deadline(), old.etag)
    kept = subject.stored()
    assert kept.properties == {"a": 2}
    for _ in range(2):
        subject.store.delete("sessions", kept.partition, kept.key, subject.deadline(), kept.etag)
        assert subject.read() is None


def test_a_partition_is_listed_whole_in_the_order_of_its_keys_with_the_etags_of_its_rows(subject: Subject) -> None:
    subject.insert_at(subject.partition, "b", "a", "c", "B")
    subject.insert_at(subject.partition + "0", "a")
    rows = subject.store.partition("sessions", subject.partition, subject.deadline())
    assert [row.key for row in rows] == ["B", "a", "b", "c"]
    assert rows == [subject.read(key) for key in ("B", "a", "b", "c")]
    for row in rows:
        subject.merge(row, at="elsewhere")


def test_a_list_shows_each_kind_of_value_as_a_read_does(subject: Subject) -> None:
    row = subject.insert(**VALUES)
    (found,) = subject.store.partition("sessions", subject.partition, subject.deadline())
    assert found == row
    assert {name: type(value) for name, value in found.properties.items()} == {
        name: type(value) for name, value in VALUES.items()
    }


def test_a_partition_without_rows_is_an_empty_list(subject: Subject) -> None:
    assert subject.store.partition("sessions", subject.partition, subject.deadline()) == []
    assert subject.between(subject.partition, subject.partition + "9") == []


def test_a_query_takes_the_first_partition_named_and_stops_before_the_last(subject: Subject) -> None:
    one, two, three = (subject.partition + digit for digit in "123")
    for partition in (three, one, two):
        subject.insert_at(partition, "b", "a")
    assert subject.between(one, three) == [f"{one}/a", f"{one}/b", f"{two}/a", f"{two}/b"]
    assert subject.between(one + "0", three) == [f"{two}/a", f"{two}/b"]
    assert subject.between(two, two) == []


@pytest.mark.parametrize("most", [1, 3, 4, 5])
def test_a_query_gives_the_first_rows_of_its_range_and_no_more_than_asked_for(subject: Subject, most: int) -> None:
    one, two = subject.partition + "1", subject.partition + "2"
    subject.insert_at(one, "a", "b", "c")
    subject.insert_at(two, "a")
    everything = [f"{one}/a", f"{one}/b", f"{one}/c", f"{two}/a"]
    assert subject.between(one, subject.partition + "3", most) == everything[:most]


HOSTILE = [
    "' or PartitionKey ge '",
    "'' or true or ''",
    "@name",
    "@from or PartitionKey ge @from",
    "%27",
    "a b",
    "datetime'2026-01-01T00:00:00Z'",
    "Zoë",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_query_looks_for_is_a_value_and_never_part_of_the_question(subject: Subject, text: str) -> None:
    subject.insert(a=1)
    name = subject.partition + text if text == "" else text
    assert subject.store.partition("sessions", name, subject.deadline()) == ([subject.stored()] if not text else [])
    assert subject.between(text or "b", text or "b") == []


def test_rows_deleted_together_are_gone_and_their_neighbours_are_not(subject: Subject) -> None:
    subject.insert_at(subject.partition, "a", "b", "c")
    subject.merge(subject.stored("b"), at="elsewhere")
    subject.store.delete_rows("sessions", subject.partition, ["a", "b"], subject.deadline())
    assert [row.key for row in subject.store.partition("sessions", subject.partition, subject.deadline())] == ["c"]


def test_of_rows_deleted_together_some_may_be_gone_already(subject: Subject) -> None:
    subject.insert_at(subject.partition, "a", "b", "c")
    for _ in range(2):
        subject.store.delete_rows("sessions", subject.partition, ["x", "a", "y", "b"], subject.deadline())
        assert [row.key for row in subject.store.partition("sessions", subject.partition, subject.deadline())] == ["c"]


def test_deleting_no_rows_together_is_a_success(subject: Subject) -> None:
    kept = subject.insert(a=1)
    subject.store.delete_rows("sessions", subject.partition, [], subject.deadline())
    assert subject.stored() == kept


def test_more_rows_than_one_transaction_takes_are_deleted_together(subject: Subject) -> None:
    keys = [f"{number:03}" for number in range(103)]
    subject.insert_at(subject.partition, *keys)
    subject.store.delete_rows("sessions", subject.partition, keys[:-1], subject.deadline())
    assert [row.key for row in subject.store.partition("sessions", subject.partition, subject.deadline())] == keys[-1:]


def test_a_row_may_be_inserted_again_after_it_was_deleted(subject: Subject) -> None:
    subject.insert(a=1)
    subject.delete()
    assert subject.insert(b=2).properties == {"b": 2}


def test_of_many_merges_at_once_one_wins_and_the_others_learn_of_it(subject: Subject) -> None:
    row = subject.insert(winner=-1)

    def merge(number: int) -> int | None:
        try:
            subject.merge(row, winner=number)
        except errors.RowChanged:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(merge, range(8)) if number is not None]
    assert [subject.stored().properties["winner"]] == winners


def test_of_many_inserts_at_once_one_wins_and_the_others_learn_of_it(subject: Subject) -> None:
    subject.read()  # what the first call of all has to make is there

    def insert(number: int) -> int | None:
        try:
            subject.store.insert("sessions", subject.row(winner=number), subject.deadline())
        except errors.RowChanged:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(insert, range(8)) if number is not None]
    assert [subject.stored().properties["winner"]] == winners


def test_after_its_deadline_no_call_does_anything(subject: Subject) -> None:
    kept, late = subject.insert(a=1), subject.deadline(0.0)
    with pytest.raises(errors.StorageUnavailable):
        subject.store.read("sessions", subject.partition, "key", late)
    with pytest.raises(errors.StorageUnavailable):
        subject.store.insert("sessions", replace(kept, key="other"), late)
    with pytest.raises(errors.StorageUnavailable):
        subject.store.merge("sessions", replace(kept, properties={"a": 2}), late)
    with pytest.raises(errors.StorageUnavailable):
        subject.store.delete("sessions", subject.partition, "key", late)
    with pytest.raises(errors.StorageUnavailable):
        subject.store.delete_rows("sessions", subject.partition, ["key"], late)
    with pytest.raises(errors.StorageUnavailable):
        subject.store.partition("sessions", subject.partition, late)
    with pytest.raises(errors.StorageUnavailable):
        subject.store.query("sessions", late, partition_from=subject.partition, partition_before="b")
    assert subject.stored() == kept
    assert subject.read("other") is None


def test_there_is_no_way_to_write_a_row_whether_or_not_it_is_there(subject: Subject) -> None:
    calls = {name for name in dir(TokenStore) if not name.startswith("_")}
    assert calls == {"read", "insert", "merge", "delete", "delete_rows", "query", "partition"}
