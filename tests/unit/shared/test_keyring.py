"""Data keys: made once, found again, kept as long as needed, and asked of the vault as seldom as can be."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.sealing import DataKey
from shared.token_store import Row, Value
from tests.fakes.vault import FakeVault
from tests.unit.shared.key_rings import DAY, Process, Site


def test_the_first_start_makes_one_key_and_writes_it_down_wrapped() -> None:
    site = Site()
    key = site.start().seals()
    (row,) = site.rows()
    assert (row.partition, row.key) == ("keys", key.id) == ("keys", "00000001")
    assert len(key.key) == 32
    assert row.properties["wrapped_by"] == site.vault.name
    assert row.properties["wrapped"] == b"wrapped:" + key.key
    assert row.properties["created"] == row.properties["active_from"] == int(site.now)


def test_each_key_is_a_new_random_one() -> None:
    assert Site().start().seals().key != Site().start().seals().key


def test_a_restart_finds_the_same_key_with_one_unwrapping() -> None:
    site = Site()
    key = site.start().seals()
    before = site.vault.calls
    again = site.start()
    assert (again.seals(), again.finds(key.id)) == (key, key)
    assert site.vault.calls == before + 1


def test_sixteen_first_starts_at_once_agree_on_one_key() -> None:
    site = Site()
    together = threading.Barrier(16)
    site.vault.before = lambda: together.wait(10) if site.vault.wraps <= 16 and not site.ids() else None
    processes = [site.start() for _ in range(16)]
    with ThreadPoolExecutor(16) as threads:
        keys = list(threads.map(Process.seals, processes))
    assert site.vault.wraps == 16, "all of them found an empty table"
    assert len(set(keys)) == len(site.ids()) == 1
    assert all(process.finds(keys[0].id) == keys[0] for process in processes)


def test_sixty_four_threads_of_one_process_ask_the_vault_once() -> None:
    site = Site()
    process = site.start()
    with ThreadPoolExecutor(64) as threads:
        keys = set(threads.map(lambda _: process.seals(), range(64)))
    assert len(keys) == 1
    assert (site.vault.wraps, site.vault.unwraps) == (1, 1)


def test_an_insert_whose_answer_is_lost_may_have_been_anothers_so_the_table_is_believed() -> None:
    site = Site()
    other = site.start()
    # The store takes a row that is there after an unknown outcome for its own.
    site.store.script("insert", lambda: other.seals())
    site.store.script("insert", None)
    process = site.start()
    assert process.seals() == other.seals()
    assert site.ids() == ["00000001"]


def test_the_first_key_is_used_by_those_whose_clock_is_behind_its_makers() -> None:
    site = Site()
    key = site.start(ahead=300).seals()
    assert site.start(ahead=-300).seals() == key


def test_keys_under_another_wrapping_key_are_unknown_and_the_next_one_is_active_at_once() -> None:
    site = Site()
    old = site.start().seals()
    site.vault = FakeVault("another")
    process = site.start()
    key = process.seals()
    assert (key.id, process.finds(old.id)) == ("00000002", None)
    assert site.vault.wraps == 1


def test_many_old_keys_under_another_wrapping_key_do_not_put_off_the_next_one() -> None:
    site = Site()
    process = site.start()
    process.seals(300)
    for _ in range(3):
        site.rotated(process)
    site.advance(365 * DAY)
    site.vault = FakeVault("another")
    assert site.start().seals().id == "00000005"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("active_from", None),
        ("needed_until", "x"),
        ("wrapped", b""),
        ("wrapped", "text"),
        ("wrapped_by", None),
        ("wrapped_by", 1),
    ],
)
def test_a_row_that_is_broken_is_nobodys_key_and_another_is_made(name: str, value: Value | None) -> None:
    site = Site()
    key = site.start().seals()
    (row,) = site.rows()
    rest = {known: kept for known, kept in row.properties.items() if known != name}
    broken = rest if value is None else {**rest, name: value}
    site.store.rows["keyring", "keys", row.key] = replace(row, properties=broken)
    process = site.start()
    assert process.finds(key.id) is None
    assert process.seals().id == "00000002"


def test_rows_of_another_making_are_left_alone() -> None:
    site = Site()
    site.store.rows["keyring", "keys", "remark"] = Row("keys", "remark", {"text": "hands off"})
    process = site.start()
    assert process.seals().id == "00000001"
    assert process.prunes() == 0
    assert "remark" in site.ids()


def test_a_key_that_was_wrapped_anew_under_the_same_id_is_the_new_one() -> None:
    site = Site()
    process = site.start()
    old = process.seals()
    site.store.change(site.rows()[0], wrapped=b"wrapped:" + bytes(32))
    site.advance(301)
    assert process.seals() == DataKey(old.id, bytes(32))
