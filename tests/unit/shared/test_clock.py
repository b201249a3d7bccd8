from __future__ import annotations

import pytest

from shared.clock import Deadline, SystemClock, day, http_date, iso
from tests.fakes.clock import START, FakeClock


def test_times_are_written_in_utc_whatever_the_machine() -> None:
    assert iso(START) == "2026-01-01T00:00:00Z"
    assert day(START) == "20260101"
    assert http_date(START) == "Thu, 01 Jan 2026 00:00:00 GMT"


def test_parts_of_a_second_are_cut_off_and_never_round_up_into_the_next_day() -> None:
    assert iso(START - 0.001) == "2025-12-31T23:59:59Z"
    assert day(START - 0.001) == "20251231"
    assert http_date(START - 0.001) == "Wed, 31 Dec 2025 23:59:59 GMT"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784111777, "Sun, 06 Nov 1994 08:49:37 GMT"),  # the example of RFC 9110 section 5.6.7
        (1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"),
        (2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"),
        (1780272000, "Mon, 01 Jun 2026 00:00:00 GMT"),
        (1786147200, "Sat, 08 Aug 2026 00:00:00 GMT"),
        (1761955200, "Sat, 01 Nov 2025 00:00:00 GMT"),
    ],
)
def test_an_http_date_has_english_names_and_two_digit_days(seconds: float, expected: str) -> None:
    assert http_date(seconds) == expected


def test_days_sort_as_text_in_order_of_time() -> None:
    days = [day(START + count * 86400) for count in range(800)]
    assert days == sorted(set(days))


def test_a_deadline_runs_out_as_time_passes_and_then_is_negative() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 4.0)
    assert deadline.remaining() == 4.0
    clock.advance(3.0)
    assert deadline.remaining() == 1.0
    clock.advance(3.0)
    assert deadline.remaining() == -2.0


def test_a_wall_clock_that_is_set_back_or_forth_moves_no_deadline() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 4.0)
    clock.jump(-86400)
    assert deadline.remaining() == 4.0
    clock.jump(2 * 86400)
    assert deadline.remaining() == 4.0


def test_a_part_of_a_deadline_is_never_longer_than_the_whole() -> None:
    clock = FakeClock()
    whole = Deadline(clock, 5.0)
    clock.advance(3.0)
    assert whole.within(1.0).remaining() == 1.0
    assert whole.within(10.0).remaining() == 2.0
    clock.advance(3.0)
    assert whole.within(10.0).remaining() == -1.0


def test_the_system_clock_tells_seconds_since_1970_and_a_time_that_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)
    assert day(clock.now()) >= "20250101"
