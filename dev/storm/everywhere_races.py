"""Signing out everywhere while the same person signs in and another session of theirs is being renewed."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from uuid import UUID

from dev.sandbox.clock import AppClockFile
from dev.storm.crew import Partner, share_out
from dev.storm.ground import SECONDS, Ground, Person, identity, is_refused, signed_in
from dev.storm.report import Row, Ticker, Violation
from dev.storm.seeding import Seeds
from dev.storm.watched import Steps, watched
from shared import errors
from shared.clock import Deadline
from shared.session_index import number, user_pk
from shared.session_rows import Identity

SESSIONS = 50
SIGN_IN_POINTS = (
    "before reading epoch",
    "after reading epoch",
    "before inserting user",
    "after inserting user",
    "after inserting sid",
    "before inserting sessions",
    "after inserting sessions",
)
"""Where a sign-in waits while the person signs out everywhere."""
RENEWAL_POINTS = (
    "before reading sessions",
    "after reading sessions",
    "after writing lease",
    "before grant",
    "after grant",
    "before writing tokens",
    "after writing tokens",
)
EVERYWHERE_POINTS = (
    "before reading epoch",
    "before inserting epoch",
    "after inserting epoch",
    "after listing sessionindex",
    "before deleting sessions",
    "after deleting sessions",
    "after deleting user",
)
"""Where signing out everywhere waits while a sign-in and a renewal go through."""
CHANCE = "at any moment"
_LATEST = 0.05  # seconds
_BEGUN = "after reading epoch"  # by a sign-in: what it compares with
_CUT = "before inserting epoch"  # by signing out everywhere


@dataclass(frozen=True)
class Task:
    """For one of the two others: what to do, to whom, where to wait for a sign, or how long to wait first."""

    who: Identity
    cookie: str = ""
    wait_at: str = ""
    pause: float = 0.0


@dataclass(frozen=True)
class Done:
    """What came of a task: the cookie of a sign-in or the status of a renewal, and the steps it took."""

    result: str
    steps: tuple[str, ...]
    begun: float


class Other:
    """The process that signs in, and the one that renews: the same, by its task."""

    def __init__(self, ground: Ground, clock: str, gate: Connection) -> None:
        self._steps = Steps()
        self._services = watched(ground.services(ground.clock_file(clock)), self._steps)
        self._clock = AppClockFile(ground.clock_file(clock))
        self._passed, self._stood = ground.passed, 0.0
        self._clock.write(self._passed)
        self._gate = gate

    def __call__(self, task: Task) -> Done:
        self._steps.arm(task.wait_at, self._wait_for_sign)
        time.sleep(task.pause)
        result = self._renewed(task.cookie) if task.cookie else self._signed_in(task.who)
        begun = (self._steps.times[_BEGUN] or [0.0])[0]
        return Done(result, tuple(self._steps.taken), begun)

    def _wait_for_sign(self) -> None:
        """Its deadlines stand still meanwhile, its time of day goes on."""
        began = time.monotonic()
        self._gate.send(None)
        self._gate.recv()
        self._stood += time.monotonic() - began
        self._clock.write(self._passed - self._stood, self._stood)

    def _signed_in(self, who: Identity) -> str:
        try:
            return signed_in(self._services, who).cookie
        except errors.SignInRefused:
            return ""

    def _renewed(self, cookie: str) -> str:
        deadline = Deadline(self._services.clock, SECONDS)
        try:
            self._services.refresher.fresh(self._services.sessions.open([cookie], deadline), deadline)
        except errors.DrawbridgeError as problem:
            return str(problem.status)
        return "200"


class Everywhere:
    """The process that signs out everywhere, with the two others."""

    def __init__(self, ground: Ground, seed: int, clock: str) -> None:
        self._seed = seed
        self._steps = Steps()
        self._services = watched(ground.services(ground.clock_file(clock)), self._steps)
        AppClockFile(ground.clock_file(clock)).write(ground.passed)
        self._seeds = Seeds(ground)
        self._gates, others = zip(Pipe(), Pipe(), strict=True)
        self._others = [Partner(partial(Other, ground, f"{clock}-{place}", gate)) for place, gate in enumerate(others)]

    def __call__(self, round_number: int) -> int | Violation:
        """One round: the grants that were sent, or what did not hold."""
        chance = random.Random(f"{self._seed}/{round_number}")  # noqa: S311 - repeatable on purpose
        who = identity(str(UUID(int=chance.getrandbits(128))))
        people = self._seeds.sow(self._services, [who] * SESSIONS, -3600)
        tasks = [Task(who), Task(who, people[0].cookie)]
        how = (self._others_wait, self._others_go_through, self._by_chance)[round_number % 3]
        name, done = how(tasks, people[-1], chance)
        fault = self._fault(who, people, done)
        history = sorted([*self._steps.taken, *done[0].steps, *done[1].steps])
        if fault:
            return Violation(f"{name}, round {round_number}: {fault}", history)
        return sum("before grant" in step for step in history)

    def _others_wait(self, tasks: list[Task], own: Person, chance: random.Random) -> tuple[str, list[Done]]:
        """Both others stand at a step of theirs while the person signs out everywhere."""
        points = chance.choice(SIGN_IN_POINTS), chance.choice(RENEWAL_POINTS)
        self._steps.arm("", lambda: None)
        for other, task, point in zip(self._others, tasks, points, strict=True):
            other.tell(replace(task, wait_at=point))
        waiting = [gate for gate, other in zip(self._gates, self._others, strict=True) if _waits(gate, other)]
        self._end_all(own)
        for gate in waiting:
            gate.send(None)
        return f"sign-in {points[0]}, renewal {points[1]}", [other.heard() for other in self._others]

    def _others_go_through(self, tasks: list[Task], own: Person, chance: random.Random) -> tuple[str, list[Done]]:
        """Both others do all of theirs while signing out everywhere stands at a step."""
        point, done = chance.choice(EVERYWHERE_POINTS), list[Done]()
        pairs = list(zip(self._others, tasks, strict=True))
        self._steps.arm(point, lambda: done.extend(other.ask(task) for other, task in pairs))
        self._end_all(own)
        return f"everywhere {point}", done

    def _by_chance(self, tasks: list[Task], own: Person, chance: random.Random) -> tuple[str, list[Done]]:
        self._steps.arm("", lambda: None)
        for other, task in zip(self._others, tasks, strict=True):
            other.tell(replace(task, pause=chance.uniform(0.0, _LATEST)))
        time.sleep(chance.uniform(0.0, _LATEST))
        self._end_all(own)
        return "at any moment", [other.heard() for other in self._others]

    def _end_all(self, own: Person) -> None:
        deadline = Deadline(self._services.clock, SECONDS)
        self._services.signed_in.end_all(self._services.sessions.open([own.cookie], deadline), deadline)

    def _fault(self, who: Identity, people: list[Person], done: list[Done]) -> str:
        """What does not hold after all three have ended; "" where all does."""
        store, deadline = self._services.store, Deadline(self._services.clock, SECONDS)
        (cut,) = self._steps.times[_CUT]
        rows = store.query("sessions", deadline, partition_from="0", partition_before="g")
        alive = {row.key for row in rows if row.properties["user_pk"] == user_pk(who)}
        indexed = {row.key for row in store.partition("sessionindex", user_pk(who), deadline)} - {"epoch"}
        signing_in, renewal = done
        if alive & {person.place.partition("/")[2] for person in people}:
            return "sessions of before live on"
        if alive and (not signing_in.result or signing_in.begun < cut):
            return "a sign-in of before lives on"
        if indexed != {number(key) for key in alive}:
            return f"{len(alive)} sessions, {len(indexed)} in the index"
        if renewal.result not in ("200", "401", "503"):
            return f"the renewal ended in {renewal.result}"
        if not all(is_refused(self._services, person.cookie) for person in (people[0], people[1], people[-1])):
            return "a late request was answered"
        self._services.sessions.end(self._services.sessions.keys([signing_in.result]), deadline)
        return ""


def _waits(gate: Connection, other: Partner) -> bool:
    """Whether the other has come to its step; False where it has ended without."""
    if gate not in wait([gate, other.connection]):
        return False
    gate.recv()
    return True


def everywhere_races(ground: Ground, run: str, rounds: int, crews: int, seed: int) -> Row:
    """Rounds by so many crews of three processes at once. Raises Violation."""
    ground.asked(delay=0.0, offset=ground.passed, forget=True)
    ticker = Ticker(run, rounds)
    works = [partial(Everywhere, ground, seed, f"everywhere-{number}") for number in range(crews)]
    grants = sum(share_out(works, range(rounds), ticker))
    held = "no session and no sign-in that was begun before lived on; the index named exactly what lived"
    shape = f"{SESSIONS} sessions of one person end while one signs in and one renews"
    return Row(run, shape, rounds, grants, ticker.seconds, held)
