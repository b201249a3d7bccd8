"""`python3 dev bench`: measures the app beside the bare work, and prints tables. It never judges."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.bench import latency, memory, parts, process_tree, starting
from dev.bench.stage import set_up
from dev.launcher.terminal import Progress, Stop


@dataclass(frozen=True)
class Effort:
    """How long to measure: seconds of each load, rounds, requests while memory is watched, repeats of each part."""

    seconds: float
    rounds: int
    requests: int = 10_000
    repeats: int = 1000


QUICK = Effort(seconds=0.1, rounds=1, requests=200, repeats=20)


def parse(arguments: Sequence[str]) -> Effort:
    """Read a command line. Leaves with exit code 2 and one line when it makes no sense."""
    parser = argparse.ArgumentParser(prog="python3 dev bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="of each load (default 3)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of which medians are taken (default 3)")
    parser.add_argument("--quick", action="store_true", help="try every step in seconds; the figures mean nothing")
    given = parser.parse_args(arguments)
    if given.seconds <= 0 or given.rounds < 1:
        parser.error("seconds and rounds must be positive")
    return QUICK if given.quick else Effort(given.seconds, given.rounds)


def machine() -> str:
    """One paragraph: what these figures were taken with."""
    names = ("azure-functions-runtime", "azure-functions", "uvicorn", "urllib3", "cryptography")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({platform.machine()}), {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, {versions}. The app on the local host with "
        f"{latency.PROCESSES} processes and 64 threads each; load, app, Azurite and Graph's stand-in (https) share the "
        "machine. One person for each connection.\n"
    )


def run(effort: Effort, progress: Progress) -> None:
    """Measure everything; print each table as soon as it is there."""
    print(f"# Drawbridge bench\n\n{machine()}", flush=True)
    with set_up(max(latency.CONCURRENCIES), progress) as stage:
        with stage.app(latency.PROCESSES) as running:
            kept = memory.measure(stage, running, effort.requests, progress)  # first, while the app is new
            cells = latency.measure(stage, running, effort.seconds, effort.rounds, progress)
        print(f"## `GET api/messages` on warm sessions: {effort.rounds} x {effort.seconds:g} s, medians\n")
        print(latency.report(cells), flush=True)
        with progress.step("parts of one request"):
            found = parts.measure(stage, effort.repeats)
        alone = next(cell.figures for cell in cells if cell.what == latency.APP)
        print(parts.report(found, alone.cpu_per_request or found.handler), flush=True)
        print(f"## Memory\n\n{kept}", flush=True)
        print("## Start\n\n" + starting.report(*starting.measure(stage, effort.rounds, progress)), flush=True)


def main(arguments: Sequence[str]) -> int:
    """0 where everything could be measured, whatever came out; 1 after one line that says what is missing."""
    effort = parse(arguments)
    try:
        if not (process_tree.PROC / "self" / "smaps_rollup").exists():
            raise Stop("dev bench reads CPU and memory from /proc, so it needs Linux.")
        run(effort, Progress(sys.stderr))
    except Stop as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
