"""Ids that a process does not know: looked for seldom, and called unknown only where that is sure."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from shared import errors
from tests.unit.shared.key_rings import MONTH, Site


def test_ten_thousand_invented_ids_read_the_table_once_and_unwrap_nothing() -> None:
    site = Site()
    process = site.start()
    key = process.seals()
    site.advance(31)
    reads, calls = site.store.count("partition"), site.vault.calls
    for _ in range(10_000):
        try:
            assert process.finds(f"{secrets.randbelow(10**8):08}") in (None, key)
        except errors.KeysUnavailable as problem:
            assert problem.retry_after is not None
            assert 1 <= problem.retry_after <= 30
    assert site.store.count("partition") == reads + 1
    assert site.vault.calls == calls
    site.advance(31)
    assert process.finds("99999999") is None
    assert site.store.count("partition") == reads + 2


@pytest.mark.parametrize(
    "odd", ["", "0", "1", "0000001", "000000011", "0000000a", "\0" * 8, "é" * 8, "１" * 8, " 0000001"]
)
def test_what_is_no_id_is_unknown_without_a_look_into_the_table(odd: str) -> None:
    site = Site()
    process = site.start()
    process.seals()
    site.advance(31)
    reads = site.store.count()
    assert process.finds(odd) is None
    assert site.store.count() == reads


def test_a_key_that_another_process_has_made_is_found_at_once() -> None:
    site = Site()
    process, other = site.start(), site.start()
    process.seals()
    new = site.rotated(other)
    assert process.finds(new.id) == new


def test_while_the_table_may_not_be_read_again_a_new_key_is_out_of_reach_and_not_unknown() -> None:
    site = Site()
    process, other = site.start(), site.start()
    process.seals()
    site.advance(MONTH - 600)
    assert process.finds("00000003") is None  # reads the table just before the other writes to it
    other.seals(300)
    assert site.ids()[-1] == "00000002"
    with pytest.raises(errors.KeysUnavailable) as told:
        process.finds("00000002")
    assert told.value.retry_after is not None
    site.advance(told.value.retry_after)
    assert process.finds("00000002") is not None


def test_an_id_below_the_known_ones_is_surely_none() -> None:
    site = Site()
    process = site.start()
    process.seals(300)
    site.rotated(process)
    site.advance(MONTH)
    site.store.rows.pop(("keyring", "keys", "00000001"))
    again = site.start()
    again.seals(300)
    reads = site.store.count("partition")
    assert again.finds("00000001") is None
    assert site.store.count("partition") == reads


def test_who_comes_to_a_cold_process_while_the_table_is_being_read_waits_for_that_and_is_not_refused() -> None:
    site = Site()
    key = site.start().seals()
    process, reads = site.start(), site.store.count("partition")
    reading, released = threading.Event(), threading.Event()

    def hang() -> None:
        reading.set()
        released.wait(10)

    site.store.script("partition", hang)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(process.finds, key.id)
        assert reading.wait(10)
        second = threads.submit(process.finds, key.id)
        wait([second], timeout=0.2)  # where it is refused, that has happened by now
        released.set()
    assert (first.result(), second.result()) == (key, key)
    assert site.store.count("partition") == reads + 1


def test_a_process_that_came_before_the_very_first_key_finds_it_as_soon_as_it_is_there() -> None:
    site = Site()
    early, other = site.start(), site.start()
    assert early.finds("00000001") is None
    key = other.seals()
    assert early.finds(key.id) == key
