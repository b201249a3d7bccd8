"""Rotation: everybody knows a key before anybody seals with it, and what was sealed before still opens."""

from __future__ import annotations

import random

import pytest

from shared.keyring import Keyring
from tests.unit.shared.key_rings import DAY, MONTH, WEEK, Site


def test_the_next_key_is_written_ahead_and_used_ten_minutes_later() -> None:
    site = Site()
    process = site.start()
    first = process.seals()
    site.advance(MONTH - 601)
    assert (process.seals(), site.ids()) == (first, ["00000001"])
    site.advance(301)
    assert (process.seals(), site.ids()) == (first, ["00000001", "00000002"])
    site.advance(599)
    assert process.seals() == first
    site.advance(1)
    second = process.seals()
    assert (second.id, process.finds(first.id)) == ("00000002", first)
    assert second.key != first.key


def test_a_process_that_starts_when_nothing_has_lived_for_a_year_makes_the_next_key() -> None:
    site = Site()
    first = site.start().seals()
    site.advance(365 * DAY)
    later = site.start()
    assert later.seals().id == first.id
    site.advance(600)
    assert later.seals().id == "00000002"


def test_sixteen_processes_that_rotate_at_once_make_one_key() -> None:
    site = Site()
    processes = [site.start() for _ in range(16)]
    for process in processes:
        process.seals()
    site.advance(MONTH)
    # Each has read the table, and found the key due, before the first of them writes.
    for process in processes[1:]:
        site.store.script("insert", process.seals)
    processes[0].seals()
    assert site.ids() == ["00000001", "00000002"]
    site.advance(600)
    assert len({process.seals() for process in processes}) == 1


@pytest.mark.parametrize("seed", range(5))
def test_three_rotations_with_clocks_five_minutes_apart_leave_nothing_that_does_not_open(seed: int) -> None:
    """Six processes seal and open each other's at random; each acts about once a minute, as a busy one does."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, and no secret
    site = Site()
    processes = [site.start(ahead) for ahead in (-150, -150, 0, 0, 150, 150)]
    sealed: set[str] = set()
    for _ in range(3):
        for _ in range(60):
            for process in chance.sample(processes, len(processes)):
                sealed.add(process.seals(WEEK).id)
                assert all(process.finds(key_id) for key_id in chance.sample(sorted(sealed), min(4, len(sealed))))
            site.advance(60)
        site.advance(MONTH - 3600 - 1800)
        for process in processes:
            process.seals(WEEK)
    assert len(sealed) == 3
    late = site.start()
    assert all(late.finds(key_id) for key_id in sealed)


def test_clocks_at_both_ends_of_ten_minutes_cost_a_moments_wait_and_never_a_session() -> None:
    site = Site()
    slow, fast = site.start(-300), site.start(300)
    slow.seals()
    fast.seals()
    site.advance(MONTH)
    slow.seals()  # written by the slow clock, and current by the fast one at once
    site.advance(301)
    new = fast.seals()
    assert new.id == "00000002"
    assert slow.finds(new.id) == new


def test_a_process_that_slept_through_a_rotation_knows_the_new_key_when_it_wakes() -> None:
    site = Site()
    sleeper, other = site.start(), site.start()
    old = sleeper.seals(60 * DAY)
    site.advance(MONTH)
    other.seals()
    site.advance(3600)
    new = other.seals()
    assert sleeper.seals() == new != old
    assert sleeper.finds(old.id) == old


def test_the_timer_makes_the_next_key_where_nobody_signs_in() -> None:
    site = Site()
    process = site.start()
    process.seals()
    site.advance(MONTH)
    process.ring.rotate_if_due(process.deadline())
    assert site.ids() == ["00000001", "00000002"]
    process.ring.rotate_if_due(process.deadline())
    assert site.ids() == ["00000001", "00000002"]


def test_a_wall_clock_that_is_put_back_keeps_a_current_key() -> None:
    site = Site()
    process = site.start()
    key = process.seals()
    process.clock.jump(-3 * DAY)
    assert process.seals() == key


def test_keys_can_follow_each_other_every_minute() -> None:
    site = Site()
    process = site.start()
    quick = Keyring(site.store, site.vault, process.clock, period=60, settle=10)
    seen = []
    for _ in range(600):
        key = quick.current(int(process.clock.now()) + WEEK, process.deadline())
        seen += [key] if key not in seen else []
        site.advance(1)
    assert 9 <= len(seen) <= 11
    assert all(quick.find(key.id, process.deadline()) == key for key in seen)


def test_a_process_reads_the_table_every_five_minutes_and_not_at_every_seal() -> None:
    site = Site()
    process = site.start()
    process.seals()
    before = site.store.count("partition")
    for _ in range(3600):
        process.seals(300)
        site.advance(1)
    assert 11 <= site.store.count("partition") - before <= 13
