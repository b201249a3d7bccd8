"""`python3 dev storm`: runs storms, races, deaths and wrong clocks, and prints what held; 1 where something did not."""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import os
import platform
import random
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.launcher.terminal import Progress, Stop
from dev.storm import refreshing
from dev.storm.death import death
from dev.storm.everywhere_races import everywhere_races
from dev.storm.ground import Ground, prepared
from dev.storm.key_rotation import key_rotation
from dev.storm.report import Row, Violation, report
from dev.storm.sign_out_races import sign_out_races

CREWS = 4
"""How many races go on at once."""
LATENCY = 0.15
"""Seconds that Entra takes for a grant."""


@dataclass(frozen=True)
class Order:
    """What to run: names of RUNS, the share of each full count, how many processes at most in a storm, and the seed of
    what is left to chance.
    """

    runs: tuple[str, ...]
    scale: float
    processes: int
    seed: int

    @property
    def storms(self) -> list[int]:
        """Over how many processes storms on one session go."""
        return [processes for processes in refreshing.PROCESSES if processes <= self.processes]

    def count(self, full: int) -> int:
        """How many of a full count, at least one."""
        return max(1, round(full * self.scale))


def refresh_storm(ground: Ground, order: Order) -> list[Row]:
    """Requests at once on one session whose token has expired: one grant."""
    rounds = order.count(1000)
    return [refreshing.refresh_storm(ground, "refresh-storm", processes, rounds, LATENCY) for processes in order.storms]


def many_storms(ground: Ground, order: Order) -> list[Row]:
    """Many sessions expire in the same moment: one grant for each, nobody's mail for another."""
    return [refreshing.many_storms(ground, "many-storms", order.processes, order.count(200), LATENCY)]


def races_of_sign_out(ground: Ground, order: Order) -> list[Row]:
    """Signing out while another process renews the tokens, at every step of that: nothing comes back."""
    return [sign_out_races(ground, "sign-out-races", order.count(10_000), CREWS, order.seed)]


def races_of_everywhere(ground: Ground, order: Order) -> list[Row]:
    """Signing out everywhere while the person signs in and a session is renewed: nothing older lives on."""
    return [everywhere_races(ground, "everywhere-races", order.count(2000), CREWS, order.seed)]


def deaths(ground: Ground, order: Order) -> list[Row]:
    """SIGKILL at twelve steps of sign-in, renewal, sign-out, rotation and purge: others go on, nothing is left."""
    return death(ground, "death", order.count(500), CREWS)


def clock_skew(ground: Ground, order: Order) -> list[Row]:
    """The first, the third and the fifth again, with times of day that are wrong by up to five minutes, and jump."""
    name, rounds, chance = "clock-skew", order.count(1000), random.Random(order.seed)  # noqa: S311 - repeatable
    rows = [
        *(
            refreshing.refresh_storm(ground, name, processes, rounds, LATENCY, skew=chance)
            for processes in order.storms
        ),
        sign_out_races(ground, name, order.count(10_000), CREWS, order.seed, refreshing.OFFSETS),
        *death(ground, name, order.count(500), CREWS, refreshing.OFFSETS),
    ]
    # The last second that fits into 32 bits passes in the middle.
    few = order.count(20)
    ground.advance(2**31 - time.time() - refreshing.STEP * (few // 2 + 1))
    return [*rows, refreshing.refresh_storm(ground, f"{name}, January 2038", 2, few, LATENCY, skew=chance)]


def rotation_of_keys(ground: Ground, order: Order) -> list[Row]:
    """Data keys change while people sign in and go on, and while their vault is away: nobody is signed out."""
    return key_rotation(ground, "key-rotation", order.count(1000), order.count(20), order.seed)


RUNS: dict[str, Callable[[Ground, Order], list[Row]]] = {
    "refresh-storm": refresh_storm,
    "many-storms": many_storms,
    "sign-out-races": races_of_sign_out,
    "everywhere-races": races_of_everywhere,
    "death": deaths,
    "clock-skew": clock_skew,
    "key-rotation": rotation_of_keys,
}


def parse(arguments: Sequence[str]) -> Order:
    """Read a command line. Leaves with exit code 2 and one line when it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python3 dev storm",
        description=__doc__,
        epilog="\n".join(f"{name}: {run.__doc__}" for name, run in RUNS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", default=",".join(RUNS), metavar="NAMES", help="with commas (default: all, see below)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="N", help="share of the full counts (default 1)")
    parser.add_argument(
        "--processes", type=int, default=16, metavar="N", choices=refreshing.PROCESSES, help="at most (default 16)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="repeats an earlier run's chances (default: a new one)")
    given = parser.parse_args(arguments)
    runs = tuple(name for name in given.runs.split(",") if name)
    unknown = [name for name in runs if name not in RUNS]
    if unknown or not runs:
        parser.error(f"no such run: {', '.join(unknown) or '(none)'}; there are {', '.join(RUNS)}")
    if given.scale <= 0:
        parser.error("the scale must be positive")
    return Order(runs, given.scale, given.processes, secrets.randbelow(2**31) if given.seed is None else given.seed)


def circumstances(order: Order) -> str:
    """One paragraph: what was run when, on which machine, with which versions."""
    names = ("azure-functions-runtime", "azure-data-tables", "msal", "cryptography")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, seed {order.seed}, scale {order.scale:g}, {os.cpu_count()} cores "
        f"({platform.machine()}), {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}. Load, app, Azurite and the stand-in for Entra and Graph "
        f"share the machine; Entra takes {LATENCY * 1e3:.0f} ms for a grant.\n"
    )


def run(order: Order, progress: Progress) -> int:
    """Run them one after another; print the report, and after a violation its history."""
    print(f"# Storms\n\n{circumstances(order)}", flush=True)
    rows: list[Row] = []
    try:
        with prepared(progress) as ground:
            for name in order.runs:
                rows += RUNS[name](ground, order)
    except Violation as violation:
        print(report(rows))
        print(f"## Did not hold: {violation}\n", *violation.history, sep="\n")
        return 1
    print(report(rows))
    return 0


def main(arguments: Sequence[str]) -> int:
    """0 where everything held; 1 where something did not, or could not be run."""
    order = parse(arguments)
    logging.disable(logging.CRITICAL)  # what the app logs in processes forked from this one is expected there
    try:
        return run(order, Progress(sys.stderr))
    except Stop as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
