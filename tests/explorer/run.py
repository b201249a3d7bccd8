"""One run of a scenario under one schedule."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial

from tests.explorer.judge import Judge
from tests.explorer.model import Ids, Late, Model, Step
from tests.explorer.operations import INDEXED, OPERATIONS
from tests.explorer.process import Process
from tests.explorer.scenario import Scenario, Start
from tests.explorer.stage import Actor, Call, Hands, Outcome, Stage
from tests.explorer.violation import Violation

TICK_SECONDS = 0.1
"""How far time goes on when everybody waits; twice as far each time until somebody writes."""

MOST_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may happen next: an actor's pending call with an outcome, a late write, or a standstill."""

    actor: Actor | None = None
    outcome: Outcome = Outcome.DONE
    late: Late | None = None


@dataclass
class Run:
    """The world of a run, and what may happen next in it. `decide` picks an option; None ends the run there."""

    scenario: Scenario
    start: Start
    ids: Ids
    verdicts: dict[Hashable, tuple[Violation, ...]]
    decide: Callable[[Run, list[Option]], Option | None]
    judge: Judge = field(init=False)
    model: Model = field(init=False)
    actors: list[Actor] = field(init=False)
    ticks: int = 0
    """How often time has gone on since the last write."""
    _seen: int = 0

    def __post_init__(self) -> None:
        self.judge = Judge(self.scenario, self.start, self.verdicts)
        more = INDEXED if Outcome.DEAD in self.scenario.outcomes or self.scenario.one_use else frozenset()
        self._touches = [OPERATIONS[operation].touches | more for operation in self.scenario.operations]
        self.model = self.judge.model = Model(self.ids, self.start.rows, self.judge.wrote, self.scenario.one_use)

    def play(self, hands: Hands) -> list[Violation]:
        """Let the actors run. Gives back what is wrong with how it went."""
        self.actors = [Actor(number, f"{'ABCD'[number]}", str) for number in range(len(self.scenario.operations))]
        stage = Stage(self.actors, self, hands)
        for actor, operation, skew in zip(
            self.actors, self.scenario.operations, self.scenario.all_skews(), strict=True
        ):
            keyring = None if "keyring" in OPERATIONS[operation].touches else self.start.keyring
            process = Process(self.scenario.parts, self.model, actor, partial(stage.call, actor), skew, keyring)
            actor.body = partial(self.judge.judged, operation, process)
        stage.run()
        return self.judge.violations

    def next(self, stage: Stage) -> Actor | None:
        """See stage.Schedule."""
        while not self.judge.violations:
            if len(self.model.steps) > MOST_STEPS:
                raise RuntimeError("this run does not end")
            options = self.options()
            if not options:
                if not self._time_passes():
                    self.judge.ended(self.actors)
                    return None
                continue
            chosen = options[0] if len(options) == 1 else self.decide(self, options)
            if chosen is None:
                return None
            if chosen.actor is not None:
                return self._goes_on(chosen.actor, chosen.outcome)
            self._happens(chosen)
        return None

    def options(self) -> list[Option]:
        """Everything that may happen next; none where all have ended or wait."""
        ready = [actor for actor in self.actors if self._ready(actor)]
        unseen = self._unseen(ready)
        if unseen is not None:
            ready = [unseen]
        options = [Option(actor) for actor in ready]
        options += [Option(late=late) for late in self.model.late]
        if len(self.model.faults) >= self.scenario.faults:
            return options
        for actor in ready:
            call = actor.pending
            possible = call.outcomes if call else ()
            options += [Option(actor, outcome) for outcome in possible if outcome in self.scenario.outcomes]
        if self.scenario.stalls and options:
            options.append(Option())
        return options

    def state(self) -> Hashable:
        """What decides everything that can still happen and be judged."""
        actors = tuple(
            actor.result
            if actor.result is not None
            else (actor.history, self._ready(actor), actor.woken_at == self.model.writes)
            for actor in self.actors
        )
        return self.ids.of((self.model.state(), actors, self.ticks, self.judge.state()))

    def _ready(self, actor: Actor) -> bool:
        call = actor.pending
        if call is None or call.waits_since == self.model.writes:
            return False
        return call.until is None or call.until <= self.model.time.passed

    def _unseen(self, ready: list[Actor]) -> Actor | None:
        """One whose call nothing that others may still do depends on or alters: it may as well be made now.

        Then no order of it and of the others' steps needs to be told from any other.
        """
        if self.scenario.stalls or self.model.late:
            return None
        at_work = [self._touches[actor.number] for actor in self.actors if actor.result is None]
        for actor in ready:
            call = actor.pending
            if call is None or call.waits() or (call.table is None and self.scenario.one_use):
                continue
            if sum(call.table in touched for touched in at_work) <= (call.table is not None):
                return actor
        return None

    def _goes_on(self, actor: Actor, outcome: Outcome) -> Actor:
        assert actor.pending is not None
        table = actor.pending.table
        if table is not None and table not in self._touches[actor.number]:
            raise RuntimeError(f"{actor.name} was not expected to touch {table}")
        actor.outcome = outcome
        self.model.note(actor, actor.pending, outcome)
        if outcome is not Outcome.DONE:
            self.model.faults.append(outcome)
        return actor

    def _happens(self, option: Option) -> None:
        if option.late is not None:
            self.model.late.remove(option.late)
            self.model.note(option.late.actor, Call(option.late.words), Outcome.DONE)
            option.late.apply()
            return
        self.model.faults.append(Outcome.STANDSTILL)
        self.model.steps.append(Step("everybody", "does nothing for a while", Outcome.DONE, self.model.time.passed))
        self._passes(self.scenario.stalls)

    def _time_passes(self) -> bool:
        waiting = [actor.pending for actor in self.actors if actor.pending]
        if not waiting:
            return False
        self.ticks = self.ticks + 1 if self._seen == self.model.writes else 1
        moments = [call.until - self.model.time.passed for call in waiting if call.until is not None]
        if len(moments) < len(waiting):
            moments.append(TICK_SECONDS * 2.0 ** (self.ticks - 1))
        self._passes(min(moments))
        return True

    def _passes(self, seconds: float) -> None:
        self.model.time.passed += seconds
        self.model.writes += 1  # so that whoever waits looks again
        self._seen = self.model.writes
