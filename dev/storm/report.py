"""What a run came to: a row of the report, or a violation with the history that led to it; and the line meanwhile."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.figures import percentile
from dev.bench.tables import milliseconds, table

HEADS = ("run", "what", "count", "grants", "p50 ms", "p99 ms", "seconds", "held")


class Violation(Exception):
    """Raised where something that must hold does not. `history` has a line for each thing that happened before."""

    def __init__(self, what: str, history: Sequence[str]) -> None:
        super().__init__(what, tuple(history))

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def history(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self.args[1]
        return found


@dataclass(frozen=True)
class Row:
    """One line of the report. `grants` None: none was to be counted. `latencies` in seconds, where they say something.

    `held` says in words what every round was checked for.
    """

    run: str
    shape: str
    count: int
    grants: int | None
    seconds: float
    held: str
    latencies: Sequence[float] = ()

    def cells(self) -> list[str]:
        ordered = sorted(self.latencies)
        p50, p99 = (milliseconds(percentile(ordered, share)) if ordered else "-" for share in (0.5, 0.99))
        grants = "-" if self.grants is None else f"{self.grants:,}"
        return [self.run, self.shape, f"{self.count:,}", grants, p50, p99, f"{self.seconds:.0f}", self.held]


def report(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    return table(HEADS, [row.cells() for row in rows])


class Ticker:
    """One line on standard error that says how far a run is: rewritten in place on a terminal, else once a tenth."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._done = 0
        self._began = time.monotonic()
        self._said = -1
        self._terminal = sys.stderr.isatty()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def tick(self, done: int = 1) -> None:
        """So many more are done, maybe none."""
        self._done += done
        if not self._done:
            return
        share = self._done * (100 if self._terminal else 10) // self._count
        if share != self._said:
            self._said = share
            left = self.seconds / self._done * (self._count - self._done)
            line = f"{self._name}: {self._done:,} of {self._count:,}, {self.seconds:.0f} s, {left:.0f} s left"
            print(f"\r\x1b[K{line}" if self._terminal else line, end="", file=sys.stderr, flush=True)
            if not self._terminal or self._done >= self._count:
                print(file=sys.stderr, flush=True)
