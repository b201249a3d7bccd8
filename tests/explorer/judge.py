"""What must hold, at every step and at the end."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from shared import errors
from shared.renewal import LEASE_SECONDS
from tests.explorer.model import Model, Place, Write
from tests.explorer.operations import ENDING, OPERATIONS, use
from tests.explorer.process import Parts, Process
from tests.explorer.scenario import Scenario, Start
from tests.explorer.stage import Actor, Call, Outcome

COSTLY = frozenset({Outcome.DIES, Outcome.STANDSTILL, Outcome.REDEEMED})
"""What may cost one more grant: whoever had the tokens of one could not keep them."""
RECOVERY_SECONDS = LEASE_SECONDS + 2.0


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be: the rule, and what was found."""

    rule: str
    found: str


@dataclass
class Judge:
    """Watches one run."""

    scenario: Scenario
    start: Start
    violations: list[Violation] = field(default_factory=list)
    deleted: set[Place] = field(default_factory=set)

    def wrote(self, write: Write) -> None:
        """Judge one change of one row."""
        table, before, after = write.place[0], write.before, write.after
        if table != "sessions":
            return
        if after is None:
            self.deleted.add(write.place)
            if self._operation(write.actor) not in ENDING:
                self._wrong("no session ends unless somebody ends it", f"{write.actor.name} deleted it")
        elif write.place in self.deleted:
            self._wrong("a deleted session stays deleted", f"{write.actor.name} wrote it again")
        elif before is not None:
            older, newer = int(before.properties["generation"]), int(after.properties["generation"])
            payload = before.properties["sealed"] != after.properties["sealed"]
            if newer != older + payload:
                self._wrong("each write of tokens is the next generation", f"{older} became {newer}")

    def judged(self, name: str, process: Process) -> str:
        """Let an actor do its operation; gives back how it ended."""
        try:
            result = OPERATIONS[name](process, self.start)
        except errors.DrawbridgeError as problem:
            result = problem.code
            if not self._may_fail(name, problem, process):
                self._wrong("nobody is turned away without a reason", f"{process.actor.name} met {result}")
        if name in ENDING and result == "signed out" and self._present(process.model):
            self._wrong("an acknowledged sign-out has ended the session", "its row is there")
        return result

    def ended(self, actors: Sequence[Actor], model: Model) -> None:
        """Judge how a run ended: what it left, and whether the next request gets on with that."""
        for actor in actors:
            if actor.failure is not None:
                self._wrong("nothing fails in an unknown way", repr(actor.failure))
        costly = sum(fault in COSTLY for fault in model.faults)
        for token, count in model.redeemed.items():
            if count > 1 + costly:
                self._wrong("each refresh token is redeemed once", f"{token} {count} times")
        if self.violations:
            return
        self._next_request(model, costly)

    def state(self) -> Hashable:
        """What of the past is still to be judged by."""
        return len(self.deleted)

    def _next_request(self, model: Model, costly: int) -> None:
        ended = self.start.places[0] in self.deleted
        process = Process(Parts(), model, Actor(8, "next", str), lambda call: _alone(model, call))
        began = model.time.passed
        try:
            session = process.sessions.open([self.start.cookies[0]], process.deadline())
            refresh_token = session.tokens.refresh_token
            assert refresh_token is not None
            if not costly and model.redeemed.get(refresh_token.reveal()):
                self._wrong("no token is lost", f"{refresh_token.reveal()} is stored, and was redeemed")
            self._recovered(process, began)
        except errors.NotSignedIn:
            if not ended:
                self._wrong("no session ends unless somebody ends it", "the next request is not signed in")
        else:
            if ended:
                self._wrong("a deleted session stays deleted", "the next request is signed in")

    def _recovered(self, process: Process, began: float) -> None:
        while process.model.time.passed - began <= RECOVERY_SECONDS:
            try:
                use(process, self.start)
                return
            except errors.SessionBusy:
                process.model.time.passed += 1.0
        self._wrong("a dead process delays others by no more than its lease", "the next request is still waiting")

    def _may_fail(self, name: str, problem: errors.DrawbridgeError, process: Process) -> bool:
        if isinstance(problem, errors.NotSignedIn):
            return bool(self.deleted)
        return bool(process.model.faults)

    def _present(self, model: Model) -> bool:
        return self.start.places[0] in model.table.rows

    def _operation(self, actor: Actor) -> str:
        return self.scenario.operations[actor.number]

    def _wrong(self, rule: str, found: str) -> None:
        self.violations.append(Violation(rule, found))


def _alone(model: Model, call: Call) -> Outcome:
    if "waits" in call.words:
        model.time.passed += 1.0
    return Outcome.DONE
