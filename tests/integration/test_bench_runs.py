"""`dev bench`, in its quick form: every table with every row. What the figures are is nobody's claim here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dev.bench import latency

CLONE = Path(__file__).resolve().parents[2]


def test_a_quick_bench_prints_every_row_and_no_request_fails() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dev.bench", "--quick"],
        cwd=CLONE,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in ended.stdout.splitlines() if line[:1] == "|"]
    measured = [(row[0], row[1], row[-1]) for row in rows if row[0] in (latency.GRAPH, latency.BARE, latency.APP)]
    names = (latency.GRAPH, latency.BARE, latency.APP)
    assert measured == [(name, str(count), "0") for _ in latency.DELAYS for count in (1, 16, 64) for name in names]
    first_cells = {row[0] for row in rows}
    assert {"the start", "20 requests", "200 requests"} <= first_cells
    assert {name for name in first_cells if name.startswith(("process start", "import", "of that"))} == {
        "process start to the first answer (health/live)",
        "process start to the first mail answer",
        "import function_app, azure.functions included",
        "of that: azure.functions, which the worker has loaded before",
    }
    assert "What dominates the " in ended.stdout


def test_a_bench_that_makes_no_sense_is_refused_in_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dev.bench", "--rounds", "0"], cwd=CLONE, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith("seconds and rounds must be positive")
