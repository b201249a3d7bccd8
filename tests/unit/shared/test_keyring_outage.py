"""Without the vault or the table: a warm process goes on, a cold one says so, and neither asks in a convoy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from shared import errors
from shared.clock import Deadline, SystemClock
from tests.fakes.store import UNAVAILABLE
from tests.unit.shared.key_rings import DAY, MONTH, WEEK, Process, Site


def test_without_the_table_a_cold_process_has_no_key_and_asks_again_a_second_later() -> None:
    site = Site()
    process = site.start()
    site.store.script("partition", UNAVAILABLE)
    with pytest.raises(errors.StorageUnavailable):
        process.seals()
    with pytest.raises(errors.KeysUnavailable):
        process.seals()
    assert site.store.count("partition") == 1
    site.advance(1)
    assert process.seals().id == "00000001"


def test_without_the_table_a_warm_process_goes_on_with_what_it_knows() -> None:
    site = Site()
    process = site.start()
    key = process.seals(MONTH)
    for _ in range(10):
        site.advance(301)
        site.store.script("partition", UNAVAILABLE)
        assert process.seals(WEEK) == process.finds(key.id) == key


def test_without_the_vault_a_warm_process_seals_and_opens_and_never_asks_it() -> None:
    site = Site()
    process = site.start()
    key = process.seals()
    site.vault.is_down = True
    calls = site.vault.calls
    for _ in range(20):
        site.advance(DAY)
        assert process.seals() == process.finds(key.id) == key
    assert site.vault.calls == calls


def test_a_rotation_that_is_due_waits_for_the_vault_asks_once_a_minute_and_keeps_the_old_key() -> None:
    site = Site()
    process = site.start()
    key = process.seals()
    site.advance(MONTH)
    site.vault.is_down = True
    wraps = site.vault.wraps
    for _ in range(3600):
        site.advance(1)
        assert process.seals() == key
    assert wraps + 10 <= site.vault.wraps <= wraps + 60
    site.vault.is_down = False
    site.advance(301)
    process.seals()
    site.advance(600)
    assert process.seals() != key


def test_without_the_vault_a_cold_process_says_when_to_come_again_and_a_crowd_asks_once() -> None:
    site = Site()
    site.start().seals()
    site.vault.is_down = True
    process, calls = site.start(), site.vault.calls
    for _ in range(100):
        for finds in (True, False):
            with pytest.raises(errors.KeysUnavailable) as told:
                process.finds("00000001") if finds else process.seals()
            assert (told.value.status, told.value.code) == (503, "keys_unavailable")
            assert told.value.retry_after
    assert site.vault.calls == calls + 1
    site.advance(5)
    with pytest.raises(errors.KeysUnavailable):
        process.seals()
    assert site.vault.calls == calls + 2


def test_a_cold_process_serves_as_soon_as_the_vault_is_back() -> None:
    site = Site()
    key = site.start().seals()
    site.vault.is_down = True
    process = site.start()
    with pytest.raises(errors.KeysUnavailable):
        process.seals()
    site.vault.is_down = False
    site.advance(5)
    assert process.finds(key.id) == process.seals() == key


def test_the_very_first_start_without_the_vault_makes_no_key_and_the_next_try_does() -> None:
    site = Site()
    site.vault.is_down = True
    process = site.start()
    for _ in range(10):
        with pytest.raises(errors.KeysUnavailable):
            process.seals()
    assert (site.ids(), site.vault.wraps) == ([], 1)
    site.vault.is_down = False
    site.advance(5)
    assert process.seals().id == "00000001"


def test_a_new_key_that_cannot_be_opened_again_seals_nothing() -> None:
    site = Site()
    process = site.start()
    site.vault.unwraps_nothing = True
    with pytest.raises(errors.KeysUnavailable):
        process.seals()
    assert site.ids() == ["00000001"]
    site.vault.unwraps_nothing = False
    site.advance(5)
    assert process.seals().id == "00000001"


def test_a_process_that_can_open_no_key_makes_no_other_though_it_could() -> None:
    site = Site()
    site.start().seals(60 * DAY)
    site.advance(MONTH)
    process, site.vault.unwraps_nothing = site.start(), True
    with pytest.raises(errors.KeysUnavailable):
        process.seals()
    assert site.ids() == ["00000001"]


def test_an_old_key_of_something_living_is_unwrapped_ahead_of_need() -> None:
    site = Site()
    maker = site.start()
    first = maker.seals(60 * DAY)
    site.advance(MONTH)
    maker.seals(300)
    site.advance(600)
    process = site.start()
    second = process.seals(300)
    site.vault.is_down = True
    assert second != first
    assert process.finds(first.id) == first


@contextmanager
def stuck(site: Site, process: Process, at: Literal["vault", "table"] = "vault") -> Iterator[None]:
    """Inside the block, another thread of the process waits for a vault or a table that does not answer."""
    waiting, released = threading.Event(), threading.Event()

    def wait() -> None:
        waiting.set()
        released.wait(10)

    if at == "vault":
        site.vault.before = wait
    else:
        site.store.script("partition", wait)
    thread = threading.Thread(target=process.seals)
    thread.start()
    try:
        assert waiting.wait(10)
        yield
    finally:
        site.vault.before = lambda: None
        released.set()
        thread.join()


def test_a_vault_that_hangs_while_the_next_key_is_made_holds_up_one_request_and_no_other() -> None:
    site = Site()
    process = site.start()
    key = process.seals(60 * DAY)
    site.advance(MONTH)
    with stuck(site, process):
        for _ in range(100):
            assert process.seals() == process.finds(key.id) == key
        with pytest.raises(errors.KeysUnavailable):
            process.finds("00000007")


def test_a_table_that_hangs_holds_up_one_request_and_no_other() -> None:
    site = Site()
    process = site.start()
    key = process.seals(60 * DAY)
    site.advance(301)
    began = SystemClock().monotonic()
    with stuck(site, process, "table"):
        for _ in range(100):
            site.advance(1)
            assert process.seals() == process.finds(key.id) == key
        assert SystemClock().monotonic() - began < 5


def test_a_cold_request_waits_no_longer_than_its_own_deadline_for_another_that_asks_the_vault() -> None:
    site = Site()
    process = site.start()
    with stuck(site, process), pytest.raises(errors.KeysUnavailable):
        process.ring.current(0, Deadline(SystemClock(), 0.05))


def test_while_one_asks_a_vault_that_is_known_to_fail_nobody_else_waits_for_it() -> None:
    site = Site()
    site.start().seals()
    site.vault.is_down = True
    process = site.start()
    with pytest.raises(errors.KeysUnavailable):
        process.finds("00000001")
    site.advance(5)
    began = SystemClock().monotonic()
    with stuck(site, process):
        for _ in range(10):
            with pytest.raises(errors.KeysUnavailable):
                process.ring.find("00000001", Deadline(SystemClock(), 2.0))
            with pytest.raises(errors.KeysUnavailable):
                process.ring.current(0, Deadline(SystemClock(), 2.0))
        assert SystemClock().monotonic() - began < 2
        site.vault.is_down = False
    assert process.finds("00000001") == process.seals()
