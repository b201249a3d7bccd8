"""What must hold when a run is over: a process that knows nothing of it gets on with what it has left."""

from __future__ import annotations

from collections.abc import Set

from shared import errors
from shared.renewal import LEASE_SECONDS
from tests.explorer.model import Model, Place
from tests.explorer.process import Parts, Process
from tests.explorer.scenario import PAST, Start
from tests.explorer.stage import Actor, Call, Outcome
from tests.explorer.violation import Violation

RECOVERY_SECONDS = LEASE_SECONDS + 2.0
_HOURS = 7200.0
"""By then no sign-in is under way any more, and the purge takes index rows without a session for what they are."""


class Aftermath:
    """One look at what a run has left. `deleted` are the sessions that were ended in it."""

    def __init__(self, start: Start, model: Model, deleted: Set[Place], costly: bool) -> None:
        self._start = start
        self._model = model
        self._deleted = deleted
        self._costly = costly
        self._violations: list[Violation] = []

    def violations(self) -> tuple[Violation, ...]:
        """Everything that is wrong."""
        model = self._model
        for late in list(model.late):
            model.late.remove(late)
        process = Process(Parts(), model, Actor(8, "next", str), self._alone)
        for cookie in (*self._start.cookies, *model.cookies.values()):
            self._next_request(process, cookie)
        self._purge(process)
        return tuple(self._violations)

    def _next_request(self, process: Process, cookie: str) -> None:
        place = process.place(cookie)
        session = process.sessions.find([cookie], process.deadline())
        row = self._model.table.rows.get(place)
        if row is None and place not in self._deleted:
            self._wrong("no session ends unless somebody ends it", "its row is not there")
        if row is None or not process.sessions.in_time(row):
            return
        if session is None:
            self._wrong("no session ends unless somebody ends it", "the next request is not signed in")
            return
        refresh_token = session.tokens.refresh_token
        assert refresh_token is not None
        if not self._costly and self._model.redeemed.get(refresh_token.reveal()):
            self._wrong("no token is lost", f"{refresh_token.reveal()} is stored, and was redeemed")
        self._recovered(process, cookie)

    def _recovered(self, process: Process, cookie: str) -> None:
        began = process.model.time.passed
        while process.model.time.passed - began <= RECOVERY_SECONDS:
            try:
                session = process.sessions.open([cookie], process.deadline())
                process.refresher.fresh(session, process.deadline())
                return
            except errors.InteractionRequired:
                return
            except errors.NotSignedIn:
                if not self._costly or process.place(cookie) in self._model.table.rows:
                    self._wrong("no session ends unless somebody ends it", "the next request is turned away")
                return
            except errors.SessionBusy:
                process.model.time.passed += 1.0
        self._wrong("a dead process delays others by no more than its lease", "the next request is still waiting")

    def _purge(self, process: Process) -> None:
        """Afterwards the index names the sessions that there are, no others, and later nothing at all is left."""
        for later in (_HOURS, PAST):
            process.model.time.passed += later
            process.purge.run()
            rows = process.model.table.rows
            sessions = {f"{partition}/{key}" for table, partition, key in rows if table == "sessions"}
            named = [row.properties.get("session") for (table, _, _), row in rows.items() if table == "sessionindex"]
            if sorted(str(name) for name in named if name) != sorted([*sessions, *sessions]):
                self._wrong("after a purge the index names the sessions that there are", f"{len(named)} rows")
            if later == PAST and sessions:
                self._wrong("after a purge nothing is left of sessions that have expired", f"{len(sessions)} rows")

    def _alone(self, call: Call) -> Outcome:
        if "waits" in call.words:
            self._model.time.passed += 1.0
        return Outcome.DONE

    def _wrong(self, rule: str, found: str) -> None:
        self._violations.append(Violation(rule, found))
