"""What an exploration is about: who does what, to which sessions, and what may go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.keyring import Keyring
from shared.session_rows import Identity
from shared.token_store import Row, Table
from tests.explorer.model import Ids, Model, Place
from tests.explorer.process import Parts, Process, at_once
from tests.explorer.stage import Actor, Outcome
from tests.fakes import build

EXPIRED = 4000.0
"""Age of a session whose access token everybody takes for expired, whatever their clocks."""
IN_USE = 2000.0
"""Age of a session whose access token lives, and whose use is to be noted again."""
AGEING = 3599.0
"""Age of a session whose access token lives for one more second, and is to be renewed ahead."""
PAST = 9 * 86400.0
"""Age of a session that has ended by itself, and that the purge deletes."""
ROTATING = 30 * 86400.0
"""Age of a data key whose successor is to be made."""

STORAGE = frozenset({Outcome.UNAVAILABLE, Outcome.LOST, Outcome.UNANSWERED, Outcome.REPEATED, Outcome.LATE})
DEATH = frozenset({Outcome.DIES})
ENTRA = frozenset({Outcome.UNAVAILABLE, Outcome.REDEEMED})
REFUSALS = frozenset({Outcome.DEAD, Outcome.WANTED})
ANYTHING = STORAGE | DEATH | ENTRA


@dataclass(frozen=True, slots=True)
class Scenario:
    """`operations`, one for each actor, on sessions of one person that are as many seconds old as `ages` says."""

    operations: tuple[str, ...]
    ages: tuple[float, ...] = (EXPIRED,)
    skews: tuple[float, ...] = ()
    faults: int = 0
    """How many calls of one run may go wrong."""
    outcomes: frozenset[Outcome] = ANYTHING
    """In which ways."""
    stalls: float = 0.0
    """For how many seconds everybody may stand still instead, once."""
    one_use: bool = False
    """Whether Entra takes a refresh token that was redeemed before for stolen, and ends its grant."""
    key_age: float | None = None
    """How old the data key is, where that is older than the oldest session."""
    parts: Parts = field(default_factory=Parts)

    def __str__(self) -> str:
        words = [" || ".join(self.operations), f"sessions {', '.join(f'{age:.0f} s' for age in self.ages)} old"]
        words += [f"at most {self.faults} faults"] if self.faults else []
        words += [f"standing still for {self.stalls:.0f} s"] if self.stalls else []
        words += ["refresh tokens of one use"] if self.one_use else []
        words += [f"clocks {', '.join(f'{skew:+.0f} s' for skew in self.skews)}"] if self.skews else []
        return ", ".join(words)

    def all_skews(self) -> tuple[float, ...]:
        """By how much each actor's date is wrong, in seconds."""
        return (self.skews + (0.0,) * len(self.operations))[: len(self.operations)]


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with, the same for all runs of an exploration."""

    rows: tuple[tuple[Table, Row], ...]
    cookies: tuple[str, ...]
    places: tuple[Place, ...]
    """Where the session of each cookie lies."""
    keyring: Keyring
    """What processes know that have read the data keys. They do not write any, so that it is the same for all runs."""


def person(number: int) -> Identity:
    """Who has the session of this number: always the same person, in another session at Entra."""
    return build.identity(sid=f"sid-{number}")


def start_of(scenario: Scenario) -> Start:
    """The table as earlier sign-ins have left it."""
    cookies: list[str] = []
    model = Model(Ids(), (), lambda write: None)
    process = Process(Parts(), model, Actor(9, "before", str), at_once)
    if scenario.ages:
        model.time.passed = -(scenario.key_age or max(scenario.ages))
        process.keyring.current(0, process.deadline())
    for number, age in enumerate(scenario.ages):
        model.time.passed = -age
        issued = build.tokens(process.clock, access=f"access-{number}", refresh=f"refresh-{number}")
        cookies.append(process.sessions.start(person(number), issued, "Firefox", process.deadline()))
    model.time.passed = 0.0
    if cookies:
        process.keyring.current(0, process.deadline())
    rows = tuple((place[0], row) for place, row in model.table.rows.items())
    return Start(rows, tuple(cookies), tuple(process.place(cookie) for cookie in cookies), process.keyring)
