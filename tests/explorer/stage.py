"""Actors that run one at a time: each goes on exactly when a schedule says so.

An actor is production code in a thread of its own. Before everything that another actor could notice (a call of the
table, of Entra, waiting) it announces the call and stops; of all that have stopped the schedule picks one, and says
what becomes of its call. Between two announcements an actor only computes, so no finer interleaving could differ: what
happens after a call was applied and before the next one is noticed by nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from shared.token_store import Table


class Outcome(Enum):
    """What becomes of a call."""

    DONE = "done"
    LOST = "the request is lost on its way; nobody knows"
    UNANSWERED = "done, but the answer is lost; nobody knows"
    REPEATED = "done, but its repetition meets its own result (412)"
    LATE = "no answer; it may still arrive"
    UNAVAILABLE = "refused: unavailable"
    REDEEMED = "done, but the answer is lost"
    DEAD = "Entra says that the grant is dead"
    WANTED = "Entra wants the person"
    DIES = "the process dies before it"
    STANDSTILL = "nobody runs for a while"


class Abandoned(BaseException):
    """Raised in an actor whose schedule is not followed any further."""


class Killed(BaseException):
    """Raised in an actor whose process dies here. It cannot do anything any more, not even in a `finally`."""


@dataclass(frozen=True, slots=True)
class Call:
    """What an actor is about to do. `outcomes` are those it may have besides DONE."""

    words: str
    outcomes: tuple[Outcome, ...] = ()
    table: Table | None = None
    waits_since: int | None = None
    """For one that waits for a write: the number of those that the table had seen when it began to."""
    until: float | None = None
    """For one that waits for a moment: so many seconds after the beginning."""

    def waits(self) -> bool:
        return self.waits_since is not None or self.until is not None


@dataclass(slots=True)
class Actor:
    """One process of the app, and the one request that it serves."""

    number: int
    name: str
    body: Callable[[], str]
    pending: Call | None = None
    outcome: Outcome = Outcome.DONE
    history: int = 0
    """Names everything that this actor has observed so far."""
    woken_at: int | None = None
    """How many writes the table had seen when this actor last woke from waiting."""
    started: bool = False
    killed: bool = False
    result: str | None = None
    """How it ended, for one that has."""
    failure: BaseException | None = None


class Schedule(Protocol):
    """Decides who goes on."""

    def next(self, stage: Stage) -> Actor | None:
        """The actor whose pending call is made now, its `outcome` set; None ends the run where it stands."""
        ...


def _closed() -> threading.Lock:
    """A lock that somebody else has to release first: a semaphore of one, at a tenth of the cost."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class _Hand:
    """A thread that runs one body after the other."""

    def __init__(self) -> None:
        self.turn = _closed()
        self.work: Callable[[], None] | None = None
        threading.Thread(target=self._loop, name="explorer", daemon=True).start()

    def _loop(self) -> None:
        while True:
            self.turn.acquire()
            work, self.work = self.work, None
            if work is None:
                return
            work()


class Hands:
    """Threads that outlive a run: starting one costs more than a run does."""

    def __init__(self, most: int) -> None:
        self.all = [_Hand() for _ in range(most)]

    def close(self) -> None:
        for hand in self.all:
            hand.turn.release()


class Stage:
    """One run: the actors, and the baton that exactly one of them, or the schedule, has."""

    def __init__(self, actors: Sequence[Actor], schedule: Schedule, hands: Hands) -> None:
        self.actors = actors
        self._schedule = schedule
        self._hands = hands.all[: len(actors)]
        self._main = _closed()
        self._abandoned = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Follow the schedule until every actor has ended, or it says to stop. Raises what the schedule raised."""
        self._pass_on(None)
        self._main.acquire()
        self._abandoned = True
        for actor in self.actors:
            if actor.started and actor.result is None:
                self._hands[actor.number].turn.release()
                self._main.acquire()
        if self.failure is not None:
            raise self.failure

    def call(self, actor: Actor, call: Call) -> Outcome:
        """Announce a call and wait until it is to be made. Raises Killed and Abandoned."""
        if self._abandoned or actor.killed:
            raise Abandoned
        actor.pending = call
        if not self._pass_on(actor):
            self._hands[actor.number].turn.acquire()
        if self._abandoned:
            raise Abandoned
        actor.pending = None
        if actor.outcome is Outcome.DIES:
            actor.killed = True
            raise Killed
        return actor.outcome

    def _pass_on(self, holder: Actor | None) -> bool:
        """Hand the baton over; says whether it stays with the actor that has it."""
        chosen = self._chosen()
        if chosen is None:
            self._main.release()
        elif chosen is holder:
            return True
        else:
            hand = self._hands[chosen.number]
            if not chosen.started:
                chosen.started = True
                hand.work = lambda: self._play(chosen)
            hand.turn.release()
        return False

    def _chosen(self) -> Actor | None:
        for actor in self.actors:
            if not actor.started:
                return actor
        try:
            return self._schedule.next(self)
        except BaseException as problem:  # noqa: BLE001 - it goes to whoever called `run`
            self.failure = problem
            return None

    def _play(self, actor: Actor) -> None:
        try:
            actor.result = actor.body()
        except Abandoned:
            actor.result = "abandoned"
        except Killed:
            actor.result = "died"
        except BaseException as problem:  # noqa: BLE001 - judged by whoever reads `failure`
            actor.result, actor.failure = f"failed with {type(problem).__name__}", problem
        actor.pending = None
        if self._abandoned:
            self._main.release()
        else:
            self._pass_on(actor)
