"""Until when the row of a data key is kept: as long as anything living was sealed under it, and no longer."""

from __future__ import annotations

import pytest

from shared import errors
from tests.fakes.store import CHANGED, UNAVAILABLE, UNKNOWN_AFTER, UNKNOWN_BEFORE
from tests.unit.shared.key_rings import DAY, WEEK, Site


def needed_until(site: Site, key_id: str) -> int:
    return int(next(row for row in site.rows() if row.key == key_id).properties["needed_until"])


def test_a_key_seals_nothing_that_its_row_does_not_cover() -> None:
    site = Site()
    process = site.start()
    for life in (300, WEEK, 90 * DAY):
        key = process.seals(life)
        assert needed_until(site, key.id) >= site.now + life


def test_the_row_is_written_about_once_a_day_by_all_processes_together() -> None:
    site = Site()
    processes = [site.start() for _ in range(8)]
    for _ in range(14 * 24):
        for process in processes:
            process.seals(40 * DAY)
        site.advance(3600)
    assert site.store.count("merge") <= 15
    assert site.store.count("read") <= 8 * 15


def test_a_row_that_another_process_writes_meanwhile_is_read_again() -> None:
    site = Site()
    process, other = site.start(), site.start()
    process.seals()
    site.store.script("merge", lambda: other.seals(60 * DAY))
    key = process.seals(80 * DAY)
    assert needed_until(site, key.id) >= site.now + 80 * DAY


@pytest.mark.parametrize("fault", [CHANGED, UNKNOWN_BEFORE, UNKNOWN_AFTER])
def test_a_write_in_doubt_is_looked_at_before_anything_is_sealed(fault: object) -> None:
    site = Site()
    process = site.start()
    process.seals()
    site.store.script("merge", fault)  # type: ignore[arg-type]
    key = process.seals(80 * DAY)
    assert needed_until(site, key.id) >= site.now + 80 * DAY


def test_nothing_is_sealed_while_the_row_cannot_be_written() -> None:
    site = Site()
    process = site.start()
    process.seals()
    site.store.script("merge", *[CHANGED] * 3)
    with pytest.raises(errors.StorageUnavailable):
        process.seals(80 * DAY)
    site.store.script("read", UNAVAILABLE)
    with pytest.raises(errors.StorageUnavailable):
        process.seals(80 * DAY)


def test_a_key_goes_a_day_after_the_last_that_it_sealed_and_not_before() -> None:
    site = Site()
    process = site.start()
    first = process.seals(WEEK)
    last = process.seals(60 * DAY)
    assert first == last
    ends = site.now + 60 * DAY
    second = site.rotated(process)
    assert second != first
    while site.now < ends + 3600:
        assert process.prunes() == 0
        assert process.finds(first.id) == first
        site.advance(6 * 3600)
    site.advance(4 * DAY)
    process.seals(300)
    assert process.prunes() >= 1
    assert first.id not in site.ids()
    assert process.finds(second.id) is not None


def test_the_newest_key_is_never_deleted_however_long_nobody_came() -> None:
    site = Site()
    process = site.start()
    key = process.seals(300)
    site.advance(400 * DAY)
    assert process.prunes() == 0
    assert process.seals(300) == key


def test_a_longer_session_age_keeps_older_keys_longer() -> None:
    site = Site()
    process = site.start()
    first = process.seals(WEEK)
    site.advance(20 * DAY)
    assert process.seals(90 * DAY) == first, "the age was raised before the rotation"
    site.rotated(process)
    site.advance(40 * DAY)
    assert process.prunes() == 0
    assert site.start().finds(first.id) == first


def test_a_key_that_comes_into_use_while_it_is_being_deleted_stays() -> None:
    site = Site()
    process, cut_off = site.start(), site.start()
    first = cut_off.seals(300)
    site.rotated(process)
    site.advance(40 * DAY)
    # This process cannot read the list of keys, so the old one is still its current one.
    site.store.script("partition", None, UNAVAILABLE)
    site.store.script("delete", lambda: cut_off.seals(WEEK))
    assert process.prunes() == 0
    assert cut_off.finds(first.id) == first
    assert site.start().finds(first.id) == first


def test_a_process_whose_current_key_is_gone_from_the_table_seals_with_another() -> None:
    site = Site()
    process = site.start()
    first = process.seals(WEEK)
    site.store.rows.clear()
    second = process.seals(80 * DAY)
    assert second.key != first.key
    assert site.start().finds(second.id) == second
