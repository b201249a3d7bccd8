"""What is explored: on every test run, and in depth where somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

from tests.explorer.scenario import (
    AGEING,
    ANYTHING,
    EXPIRED,
    IN_USE,
    PAST,
    REFUSALS,
    ROTATING,
    Scenario,
)

DAY = 86400.0
SKEWED = (-300.0, 300.0, 0.0)

PAIRED = ("use", "challenged", "sign_out", "everywhere", "front_channel", "sign_in", "sign_in_again", "purge")
PAIRS = [pair for pair in combinations_with_replacement(PAIRED, 2) if pair != ("purge", "purge")]
"""Two purges need as long as all others together; they are part of what goes deeper."""

IN_THREES = (
    Scenario(("use", "use", "use"), skews=SKEWED),
    Scenario(("use", "use", "sign_out"), skews=SKEWED),
    Scenario(("use", "use", "sign_out"), ages=(AGEING,)),
    Scenario(("use", "use", "sign_out"), ages=(IN_USE,)),
    Scenario(("use", "use", "everywhere"), skews=SKEWED),
    Scenario(("use", "sign_in", "everywhere"), skews=SKEWED),
)
WITH_FAULTS = (
    Scenario(("use", "use"), faults=1),
    Scenario(("use", "use"), ages=(AGEING,), faults=1),
    Scenario(("use", "sign_out"), faults=1, outcomes=ANYTHING | REFUSALS),
    Scenario(("use", "sign_out"), ages=(IN_USE,), faults=1),
    Scenario(("sign_in", "everywhere"), faults=1),
    Scenario(("use", "use"), faults=1, outcomes=frozenset(), stalls=3.0),
    Scenario(("use", "use_twice"), faults=1, outcomes=frozenset(), stalls=16.0),
    Scenario(("use", "use_twice"), faults=1, outcomes=frozenset(), stalls=16.0, one_use=True),
)
ROTATIONS = (
    Scenario(("rotate", "rotate"), key_age=ROTATING),
    Scenario(("rotate", "cold_use"), key_age=ROTATING, skews=SKEWED),
    Scenario(("rotate", "purge"), ages=(EXPIRED, PAST), key_age=ROTATING),
    Scenario(("cold_sign_in", "cold_sign_in"), ages=()),
    Scenario(("cold_sign_in", "cold_sign_in"), ages=(5 * DAY,), key_age=29 * DAY),
)


def of(actors: int, operations: tuple[str, ...], faults: int, stalls: float) -> Iterator[Scenario]:
    """Every choice of operations for so many actors."""
    for chosen in combinations_with_replacement(operations, actors):
        yield fitting(chosen, faults, stalls)


def fitting(operations: tuple[str, ...], faults: int = 0, stalls: float = 0.0) -> Scenario:
    """These operations, on sessions with which each of them has something to do."""
    ages: tuple[float, ...] = (EXPIRED,)
    if "purge" in operations:
        ages = (EXPIRED, PAST)
    keys = any(name.startswith(("cold", "rotate")) for name in operations)
    return Scenario(operations, ages, SKEWED, faults, stalls=stalls, key_age=ROTATING if keys else None)
