"""`dev storm`, each run with a small count: what a full run checks holds, and the report says what was run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.storm.__main__ import RUNS

CLONE = Path(__file__).resolve().parents[2]
ROWS = {
    "refresh-storm": 2,
    "many-storms": 1,
    "sign-out-races": 1,
    "everywhere-races": 1,
    "death": 12,
    "clock-skew": 16,
    "key-rotation": 3,
}
"""How many lines each has in the report."""


def storm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`dev storm` as a person starts it."""
    return subprocess.run(
        [sys.executable, "-m", "dev.storm", *arguments],
        cwd=CLONE,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("name", RUNS)
def test_what_a_storm_checks_holds_a_few_times(name: str) -> None:
    ended = storm("--runs", name, "--processes", "4", "--scale", "0.002", "--seed", "1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = [line for line in ended.stdout.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == ROWS[name]
    assert "seed 1," in ended.stdout


def test_a_run_that_does_not_exist_is_refused_in_one_line() -> None:
    ended = storm("--runs", "refresh-storm,tornado")
    assert ended.returncode == 2
    assert "no such run: tornado" in ended.stderr.splitlines()[-1]
