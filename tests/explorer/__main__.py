"""`python -m tests.explorer`: every interleaving of every choice of operations, for as long as that takes.

Prints a line for each choice, with what was covered; a violation with the shortest history that leads to it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.explorer import scenarios
from tests.explorer.operations import OPERATIONS
from tests.explorer.scenario import Scenario
from tests.explorer.search import Explored, explore


def main(arguments: Sequence[str]) -> int:
    """0 where nothing was found, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.explorer", description=__doc__)
    parser.add_argument("--actors", type=int, choices=(1, 2, 3, 4), default=2)
    parser.add_argument("--operations", default=",".join(scenarios.PAIRED), help=f"of {', '.join(OPERATIONS)}")
    parser.add_argument("--faults", type=int, default=0, help="how many calls of a run may go wrong")
    parser.add_argument("--stalls", type=float, default=0.0, help="seconds for which all may stand still instead")
    given = parser.parse_args(arguments)
    operations = tuple(given.operations.split(","))
    if not set(operations) <= OPERATIONS.keys():
        parser.error(f"operations are {', '.join(OPERATIONS)}")
    found = False
    for scenario in scenarios.of(given.actors, operations, given.faults, given.stalls):
        found |= _reported(scenario).found is not None
    return int(found)


def _reported(scenario: Scenario) -> Explored:
    began = time.monotonic()

    def progress(runs: int, states: int) -> None:
        if sys.stderr.isatty():
            passed = time.monotonic() - began
            print(f"\r{scenario}: {states} states, {runs} runs, {passed:.0f} s", end="\r", file=sys.stderr, flush=True)

    explored = explore(scenario, progress)
    print(
        f"{scenario}: {explored.interleavings} interleavings in {explored.states} states, {explored.runs} runs, "
        f"{time.monotonic() - began:.1f} s",
        flush=True,
    )
    if explored.found is not None:
        print(explored.found, flush=True)
    return explored


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
