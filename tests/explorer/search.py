"""Every interleaving of a scenario, by running it again and again: depth first, no state twice.

Two prefixes that lead to the same state have the same futures, so the second is not followed. A state is what the table
holds, what Entra knows, the time, what may still go wrong, and all that each actor has observed: production code that
observed the same does the same. Nothing else is left out, and equal states are compared, not their hashes.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.explorer.model import Ids, Step
from tests.explorer.run import Option, Run
from tests.explorer.scenario import Scenario, start_of
from tests.explorer.stage import Hands
from tests.explorer.violation import Violation

_END = -1


@dataclass(frozen=True, slots=True)
class Found:
    """A violation, and the steps that lead to it."""

    scenario: Scenario
    violation: Violation
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        who = ", ".join(
            f"{'ABCD'[number]} does {operation}" + (f" with a clock {skew:+.0f} s wrong" if skew else "")
            for number, (operation, skew) in enumerate(
                zip(self.scenario.operations, self.scenario.all_skews(), strict=True)
            )
        )
        return "\n".join([f"{self.violation.rule}: {self.violation.found}", who, *map(str, self.steps)])


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration has covered."""

    states: int
    runs: int
    interleavings: int
    """How many different schedules, from beginning to end, the states stand for."""
    found: Found | None = None


@dataclass
class _Search:
    """`shortest` looks for the shortest history instead of going deep first."""

    scenario: Scenario
    hands: Hands
    progress: Callable[[int, int], None]
    shortest: bool = False
    ids: Ids = field(default_factory=Ids)
    verdicts: dict[Hashable, tuple[Violation, ...]] = field(default_factory=dict)
    nodes: dict[Hashable, int] = field(default_factory=dict)
    children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    runs: int = 0
    best: Found | None = None

    def __post_init__(self) -> None:
        self.start = start_of(self.scenario)
        self.frontier: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, ())]

    def go(self) -> None:
        """Look at everything, or until something is found to be wrong."""
        while self.frontier:
            length, _, prefix = heapq.heappop(self.frontier) if self.shortest else self.frontier.pop()
            if self.best is not None and (not self.shortest or length >= len(self.best.steps)):
                return
            _Path(self, prefix).follow()
            self.runs += 1
            if self.runs % 1000 == 0:
                self.progress(self.runs, len(self.nodes))

    def add(self, length: int, prefix: tuple[int, ...]) -> None:
        """Remember a beginning that is to be followed later."""
        entry = (length, -self.runs, prefix)
        if self.shortest:
            heapq.heappush(self.frontier, entry)
        else:
            self.frontier.append(entry)

    def interleavings(self) -> int:
        """Paths from the first state to an end."""
        counts: dict[int, int] = {_END: 1}
        stack, entered = [0] if self.nodes else [], set[int]()
        while stack:
            node = stack[-1]
            waiting = [child for child in self.children[node] if child not in counts]
            if waiting:
                if node in entered:
                    raise RuntimeError("a state leads back to itself: an actor did not note what it observed")
                entered.add(node)
                stack.extend(waiting)
            else:
                counts[stack.pop()] = sum(counts[child] for child in self.children[node])
        return counts.get(0, 1)


class _Path:
    """One run along a prefix, and on by the first option each time until an end or a state that is known."""

    def __init__(self, search: _Search, prefix: tuple[int, ...]) -> None:
        self._search = search
        self._prefix = prefix
        self._taken: list[int] = []
        self._parent: int | None = None

    def follow(self) -> None:
        search = self._search
        run = Run(search.scenario, search.start, search.ids, search.verdicts, self._decide)
        self._ended = True
        violations = run.play(search.hands)
        if violations:
            found = Found(search.scenario, violations[0], tuple(run.model.steps))
            if search.best is None or len(found.steps) < len(search.best.steps):
                search.best = found
        elif self._ended and self._parent is not None:
            search.children[self._parent].append(_END)

    def _decide(self, run: Run, options: list[Option]) -> Option | None:
        search, depth = self._search, len(self._taken)
        if depth < len(self._prefix):
            index = self._prefix[depth]
            if depth == len(self._prefix) - 1:
                self._parent = search.nodes[run.state()]  # a KeyError here: the same schedule led elsewhere this time
            self._taken.append(index)
            return options[index]
        state = run.state()
        known = search.nodes.get(state)
        node = search.nodes.setdefault(state, len(search.nodes))
        if self._parent is not None:
            search.children[self._parent].append(node)
        if known is not None:
            self._ended = False
            return None
        self._parent = node
        others = range(0 if search.shortest else 1, len(options))
        for index in reversed(others):
            search.add(len(run.model.steps), (*self._taken, index))
        if search.shortest:
            self._ended = False
            return None
        self._taken.append(0)
        return options[0]


@contextmanager
def _hands(most: int) -> Iterator[Hands]:
    hands = Hands(most)
    try:
        yield hands
    finally:
        hands.close()


def explore(scenario: Scenario, progress: Callable[[int, int], None] = lambda runs, states: None) -> Explored:
    """Follow every interleaving. Where one is wrong, the shortest such history is looked for and given back."""
    with _hands(len(scenario.operations)) as hands:
        search = _Search(scenario, hands, progress)
        search.go()
        if search.best is None:
            return Explored(len(search.nodes), search.runs, search.interleavings())
        shortest = _Search(scenario, hands, progress, shortest=True)
        shortest.go()
        return Explored(len(search.nodes), search.runs, 0, shortest.best or search.best)
