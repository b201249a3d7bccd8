"""Signing out in one process while another renews the session's tokens, at every step of that."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dev.sandbox.clock import AppClockFile
from dev.storm.crew import Partner, share_out
from dev.storm.ground import SECONDS, Ground, Person, is_refused, patiently, signed_in
from dev.storm.report import Row, Ticker, Violation
from dev.storm.watched import Steps, watched
from shared import errors
from shared.clock import Deadline
from shared.session_index import user_pk

POINTS = (
    "before reading sessions",
    "after reading sessions",
    "before writing lease",
    "after writing lease",
    "before grant",
    "after grant",
    "before writing tokens",
    "after writing tokens",
    "before writing seen",
    "after writing seen",
)
"""Where the other process signs out, while the request waits for it."""
CHANCE = "at any moment"
"""The other process signs out by itself, some milliseconds after the request has begun."""
_MAY_STILL_ANSWER = ("after writing tokens", "before writing seen", "after writing seen", CHANCE)
_LATEST = 0.03  # seconds
_UNSEEN = 400  # seconds after which a session in use is touched


class SigningOut:
    """The process that signs out."""

    def __init__(self, ground: Ground, clock_file: Path) -> None:
        self._services = ground.services(clock_file)

    def __call__(self, question: tuple[str, float]) -> bool:
        """Sign out after so many seconds; whether a request here is refused then."""
        cookie, wait = question
        time.sleep(wait)
        sessions = self._services.sessions
        patiently(lambda: sessions.end(sessions.keys([cookie]), Deadline(self._services.clock, SECONDS)))
        return is_refused(self._services, cookie)


class Racing:
    """The process that has the request, with one of its own that signs out."""

    def __init__(self, ground: Ground, seed: int, name: str, wrong: Sequence[float]) -> None:
        files = [ground.clock_file(f"{name}-{who}") for who in ("request", "sign-out")]
        self._clocks = [AppClockFile(file) for file in files]
        self._passed, self._wrong = ground.passed, wrong
        self._seed = seed
        self._steps = Steps()
        self._services = watched(ground.services(files[0]), self._steps)
        self._partner = Partner(partial(SigningOut, ground, files[1]))

    def __call__(self, number: int) -> int | Violation:
        """One round: the grants that were sent, or what did not hold."""
        chance = random.Random(f"{self._seed}/{number}")  # noqa: S311 - repeatable on purpose
        point = (*POINTS, CHANCE)[number % (len(POINTS) + 1)]
        touching = point.endswith("seen")
        wrong = [chance.choice(self._wrong) for _ in self._clocks]
        self._set_clocks(wrong)
        person = signed_in(self._services, seconds=3600 if touching else -3600)
        if touching:
            self._passed += _UNSEEN
            self._set_clocks(wrong)
        refused: list[bool] = []
        self._steps.arm(point, lambda: refused.append(self._partner.ask((person.cookie, 0.0))))
        if point == CHANCE:
            self._partner.tell((person.cookie, chance.uniform(0.0, _LATEST)))
        status = self._request(person)
        if point == CHANCE:
            refused.append(self._partner.heard())
        grants = len(self._steps.times["before grant"])
        fault = self._fault(point, person, status, refused, grants)
        return Violation(f"{point}, round {number}: {fault}", self._steps.taken) if fault else grants

    def _set_clocks(self, wrong: Sequence[float]) -> None:
        for clock, error in zip(self._clocks, wrong, strict=True):
            clock.write(self._passed, error)

    def _request(self, person: Person) -> int:
        """What `GET api/messages` does before it asks Graph; the status that comes of it."""
        deadline = Deadline(self._services.clock, SECONDS)
        try:
            session = self._services.sessions.open([person.cookie], deadline)
            session = self._services.refresher.fresh(session, deadline)
            self._services.sessions.touch(session, deadline)
        except errors.DrawbridgeError as problem:
            return problem.status
        return 200

    def _fault(self, point: str, person: Person, status: int, refused: list[bool], grants: int) -> str:
        deadline, (partition, _, key) = Deadline(self._services.clock, SECONDS), person.place.partition("/")
        if refused != [True]:
            return f"the process that signed out went on to answer ({refused})"
        if patiently(lambda: self._services.store.read("sessions", partition, key, deadline)) is not None:
            return "the row is there again"
        if not is_refused(self._services, person.cookie):
            return "a late request was answered"
        if patiently(lambda: self._services.index.of_person(user_pk(person.identity), deadline)):
            return "the index still has the session"
        # 503: the machine was too slow for the request's deadlines, which says nothing about the session.
        if status not in ((200, 401, 503) if point in _MAY_STILL_ANSWER else (401, 503)) or grants > 1:
            return f"status {status}, {grants} grants"
        return ""


def sign_out_races(
    ground: Ground, run: str, rounds: int, crews: int, seed: int, wrong: Sequence[float] = (0.0,)
) -> Row:
    """Rounds over all points, by so many pairs of processes at once. Raises Violation.

    `wrong` are the seconds by which a process's time of day may be off; it is another one in every round.
    """
    ground.asked(delay=0.0, offset=ground.passed, forget=True)
    ticker = Ticker(run, rounds)
    works = [partial(Racing, ground, seed, f"race-{number}", wrong) for number in range(crews)]
    grants = sum(share_out(works, range(rounds), ticker))
    sent = len(ground.asked())
    if sent != grants:
        raise Violation(f"{sent} grants arrived at Entra, {grants} were sent", ())
    ground.advance(ground.passed + rounds * _UNSEEN)
    held = "no row came back, no index row stayed, every late request was refused in both processes"
    shape = f"signing out at {len(POINTS)} steps of a request that renews, and at any moment"
    return Row(run, shape, rounds, grants, ticker.seconds, held)
