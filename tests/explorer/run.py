"""One run of a scenario under one schedule."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial

from tests.explorer.judge import Judge, Violation
from tests.explorer.model import Ids, Late, Model
from tests.explorer.process import Process
from tests.explorer.scenario import Scenario, Start
from tests.explorer.stage import Actor, Call, Hands, Outcome, Stage

TICK_SECONDS = 0.1
"""How far time goes on when everybody waits; twice as far each time until somebody writes."""
STALL_SECONDS = 16.0
"""For how long everybody stands still where the scenario says that it may happen: longer than a lease."""

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
    decide: Callable[[Run, list[Option]], Option | None]
    judge: Judge = field(init=False)
    model: Model = field(init=False)
    actors: list[Actor] = field(init=False)
    ticks: int = 0
    """How often time has gone on since the last write."""
    _seen: int = 0

    def __post_init__(self) -> None:
        self.judge = Judge(self.scenario, self.start)
        self.model = Model(self.ids, self.start.rows, self.judge.wrote)

    def play(self, hands: Hands) -> list[Violation]:
        """Let the actors run. Gives back what is wrong with how it went."""
        self.actors = [Actor(number, f"{'ABCD'[number]}", str) for number in range(len(self.scenario.operations))]
        stage = Stage(self.actors, self, hands)
        for actor, operation, skew in zip(
            self.actors, self.scenario.operations, self.scenario.all_skews(), strict=True
        ):
            process = Process(self.scenario.parts, self.model, actor, partial(stage.call, actor), skew)
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
                    self.judge.ended(self.actors, self.model)
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
        since = actor.pending.waits_since if actor.pending else None
        return actor.pending is not None and since != self.model.writes

    def _goes_on(self, actor: Actor, outcome: Outcome) -> Actor:
        assert actor.pending is not None
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
        self._passes(STALL_SECONDS)

    def _time_passes(self) -> bool:
        if not any(actor.pending for actor in self.actors):
            return False
        self.ticks = self.ticks + 1 if self._seen == self.model.writes else 1
        self._passes(TICK_SECONDS * 2.0 ** (self.ticks - 1))
        return True

    def _passes(self, seconds: float) -> None:
        self.model.time.passed += seconds
        self.model.writes += 1  # so that whoever waits looks again
        self._seen = self.model.writes
