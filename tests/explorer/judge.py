"""What must hold at every step."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from shared import errors
from shared.renewal import WRITE_SECONDS
from tests.explorer.aftermath import Aftermath
from tests.explorer.model import START, Model, Place, Write
from tests.explorer.operations import ENDED, OPERATIONS
from tests.explorer.process import Process
from tests.explorer.scenario import Scenario, Start
from tests.explorer.stage import Actor, Outcome
from tests.explorer.violation import Violation

COSTLY = frozenset({Outcome.DIES, Outcome.REDEEMED})
"""What may cost one more grant: whoever had the tokens of one could not keep them. So may a long enough standstill."""


@dataclass
class Judge:
    """Watches one run."""

    scenario: Scenario
    start: Start
    verdicts: dict[Hashable, tuple[Violation, ...]]
    """What was found to be wrong with what runs have left, by that."""
    model: Model = field(init=False)
    violations: list[Violation] = field(default_factory=list)
    deleted: set[Place] = field(default_factory=set)

    def wrote(self, write: Write) -> None:
        """Judge one change of one row."""
        table, before, after = write.place[0], write.before, write.after
        if table == "sessions":
            if after is None:
                self.deleted.add(write.place)
                if not self._may_end(write):
                    self._wrong("no session ends unless somebody ends it", f"{write.actor.name} deletes it")
            elif write.place in self.deleted:
                self._wrong("a deleted session stays deleted", f"{write.actor.name} writes it again")
            elif before is not None:
                self._is_next(write)
        self._agree()

    def judged(self, name: str, process: Process) -> str:
        """Let an actor do its operation; gives back how it ended."""
        try:
            result = OPERATIONS[name].do(process, self.start)
        except errors.DrawbridgeError as problem:
            result = problem.code
            if not self._may_fail(problem):
                self._wrong("nobody is turned away without a reason", f"{process.actor.name} meets {result}")
        words, ended = ENDED.get(name, ("", frozenset()))
        if result == words and any(self._works(place) for place in self._places(ended)):
            self._wrong("a session that somebody was told has ended has ended", f"{process.actor.name} {result}")
        return result

    def ended(self, actors: Sequence[Actor]) -> None:
        """Judge how a run ended: what it left, and whether the next requests get on with that."""
        model = self.model
        for actor in actors:
            if actor.failure is not None:
                self._wrong("nothing fails in an unknown way", repr(actor.failure))
        costly = sum(fault in COSTLY for fault in model.faults)
        costly += Outcome.STANDSTILL in model.faults and self.scenario.stalls > WRITE_SECONDS
        for token, count in model.redeemed.items():
            if count > 1 + costly:
                self._wrong("each refresh token is redeemed once", f"{token} {count} times")
        told = [actor.number for actor in actors if actor.result == ENDED["everywhere"][0]]
        for actor in actors:
            cookie = model.cookies.get(actor.number)
            if cookie and told and model.began[actor.number] == 0 and Process.place(cookie) in model.table.rows:
                self._wrong("signing out everywhere leaves no session of before", f"{actor.name} is signed in")
        if not self.violations:
            self.violations += self._aftermath(bool(costly))

    def state(self) -> Hashable:
        """What of the past is still to be judged by."""
        model = self.model
        known = (*self.start.places, *map(Process.place, model.cookies.values()))
        gone = tuple(place in self.deleted for place in known)
        return gone, len(self.deleted), model.epochs, tuple(model.began.items()), tuple(model.cookies)

    def _aftermath(self, costly: bool) -> Sequence[Violation]:
        left = self.model.ids.of((self.model.state(), self.state(), costly))
        if left not in self.verdicts:
            self.verdicts[left] = Aftermath(self.start, self.model, self.deleted, costly).violations()
        return self.verdicts[left]

    def _may_end(self, write: Write) -> bool:
        assert write.before is not None
        if int(write.before.properties["expires"]) <= START + self.model.time.passed:
            return True
        if self.model.dead.get(write.actor.number) == int(write.before.properties["generation"]):
            return True
        if write.actor.number >= len(self.scenario.operations):
            return False
        operation = OPERATIONS[self.scenario.operations[write.actor.number]]
        if write.place in self.start.places:
            index = self.start.places.index(write.place)
            return index in operation.ends
        own = str(write.before.properties["sid_pk"]) == f"sid.sid-of-{write.actor.name}"
        return operation.ends_new or own

    def _is_next(self, write: Write) -> None:
        assert write.before is not None and write.after is not None
        older, newer = (int(row.properties["generation"]) for row in (write.before, write.after))
        if newer != older + (write.before.properties["sealed"] != write.after.properties["sealed"]):
            self._wrong("each write of the payload is the next generation", f"{older} becomes {newer}")

    def _agree(self) -> None:
        """No session that works is missing in the index, or sealed under a key that is not kept as long."""
        rows = self.model.table.rows
        for (table, partition, key), row in list(rows.items()):
            if table != "sessions" or not self._works((table, partition, key)):
                continue
            for name in (str(row.properties["user_pk"]), str(row.properties["sid_pk"])):
                if ("sessionindex", name, str(row.properties["number"])) not in rows:
                    self._wrong("every session is in the index", f"it is missing in {name}")
            data_key = rows.get(("keyring", "keys", str(row.properties["key_id"])))
            needed_until = int(data_key.properties["needed_until"]) if data_key else 0
            if needed_until < int(row.properties["expires"]):
                self._wrong("every data key is kept as long as it is needed", f"until {needed_until}")

    def _may_fail(self, problem: errors.DrawbridgeError) -> bool:
        if isinstance(problem, errors.NotSignedIn):
            return bool(self.deleted)
        if isinstance(problem, errors.InteractionRequired):
            return Outcome.WANTED in self.model.faults or "challenged" in self.scenario.operations
        if isinstance(problem, errors.SignInRefused):
            return self.model.epochs > 0
        return bool(self.model.faults)

    def _works(self, place: Place) -> bool:
        row = self.model.table.rows.get(place)
        return row is not None and int(row.properties["expires"]) > START + self.model.time.passed

    def _places(self, sessions: frozenset[int]) -> list[Place]:
        return [place for index, place in enumerate(self.start.places) if index in sessions]

    def _wrong(self, rule: str, found: str) -> None:
        self.violations.append(Violation(rule, found))
