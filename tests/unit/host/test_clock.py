"""The clock that the sandbox's control page moves."""

from __future__ import annotations

import struct
import time
from pathlib import Path

from dev.host.clock import ShiftedClock
from dev.sandbox.clock import AppClockFile


def test_a_new_offset_file_means_real_time(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock = ShiftedClock(file)
    assert abs(clock.now() - time.time()) < 5
    assert file.read_bytes() == bytes(16)


def test_both_readings_follow_the_file_as_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_bytes(struct.pack("<d", 3600.0))
    clock = ShiftedClock(file)
    assert abs(clock.now() - time.time() - 3600) < 5
    assert abs(clock.monotonic() - time.monotonic() - 3600) < 5
    with file.open("r+b") as shared:
        shared.write(struct.pack("<d", -60.0))
    assert abs(clock.now() - time.time() + 60) < 5
    assert abs(clock.monotonic() - time.monotonic() + 60) < 5


def test_opening_the_file_again_keeps_its_offset(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_bytes(struct.pack("<d", 7.0))
    ShiftedClock(file)
    assert struct.unpack("<dd", file.read_bytes()) == (7.0, 0.0)


def test_a_wrong_clock_shows_another_time_of_day_but_measures_intervals_as_ever(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock = ShiftedClock(file)
    file_of_app = AppClockFile(file)
    file_of_app.write(100.0, wrong_by=-300.0)
    assert abs(clock.now() - time.time() + 200) < 5
    assert abs(clock.monotonic() - time.monotonic() - 100) < 5
