"""Processes that die at the worst moments, by SIGKILL of their own, and what others find when they go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from dev.sandbox.clock import AppClockFile
from dev.storm.crew import share_out, victim
from dev.storm.ground import SECONDS, Ground, identity, is_refused, signed_in
from dev.storm.report import Row, Ticker, Violation
from dev.storm.watched import Steps, watched
from shared import errors
from shared.clock import Deadline
from shared.services import Services
from shared.session_index import number

POINTS = {
    "a sign-in, before it is in the index": ("sign in", "before inserting user"),
    "a sign-in, half in the index": ("sign in", "after inserting user"),
    "a sign-in, before anybody has its cookie": ("sign in", "after inserting sessions"),
    "a renewal, before its lease": ("renew", "before writing lease"),
    "a renewal, under its lease": ("renew", "after writing lease"),
    "a renewal, with Entra's answer": ("renew", "after grant"),
    "a renewal, with its tokens written": ("renew", "after writing tokens"),
    "a sign-out, before the row is deleted": ("sign out", "before deleting sessions"),
    "a sign-out, before the index knows": ("sign out", "after deleting sessions"),
    "a rotation, with the next key written": ("rotate", "after inserting keyring"),
    "a purge, after index rows": ("purge", "after purging sessionindex"),
    "a purge, after sessions": ("purge", "after purging sessions"),
}
"""What dies where: the deed, and the step at which its process kills itself."""
ALONE = ("rotate", "purge")
"""Deeds on whole tables: only one process does them here, so that what it finds is its own."""
RECOVERY = 17.0
"""Seconds after which others must have gone on: a lease of fifteen, and two for the rest."""
PERIOD, SETTLE = 1200, 60  # seconds, of a key where keys are rotated
_PATIENCE = 120.0
_APART = 20 * 86400.0  # between the times at which two points are tried
_TOMORROW = 26 * 3600.0
_AFTERWARDS = 15 * 86400.0
_CLOCKS = 660.0  # more than two times of day differ


@dataclass(frozen=True)
class Death:
    """One round: at which of POINTS, how long after the start."""

    point: str
    at: float


@dataclass(frozen=True)
class Recovered:
    """After how many seconds, and grants, others went on."""

    seconds: float
    grants: int


class _Fault(Exception):
    """Names what does not hold."""


class Survivor:
    """A process that has others die, and goes on with what they were at. `wrong`: its time of day, and theirs."""

    def __init__(self, ground: Ground, name: str, wrong: tuple[float, float], deed: str) -> None:
        files = [ground.clock_file(f"{name}-{who}") for who in ("survivor", "doomed", "purging")]
        self._clocks = [AppClockFile(file) for file in files]
        self._wrong, self._passed = wrong, 0.0
        ours, doomed, purging = (ground.services(file) for file in files)
        period, settle = (PERIOD, SETTLE) if deed == "rotate" else (30 * 86400, 600)
        self._steps, self._doomed_steps = Steps(), Steps()
        self._ours = watched(ours, self._steps, period=period, settle=settle, pause=lambda _: self._pass(1.0))
        # Nothing is done with these here: whoever is forked from this process opens their connections.
        self._doomed = watched(doomed, self._doomed_steps, period=period, settle=settle)
        self._purging = watched(purging, self._doomed_steps)
        self._deeds: dict[str, Callable[[str], Recovered]] = {
            "sign in": self._signs_in,
            "renew": self._renews,
            "sign out": self._signs_out,
            "rotate": self._rotates,
            "purge": self._purges,
        }

    def __call__(self, death: Death) -> Recovered | Violation:
        self._pass(max(0.0, death.at - self._passed))
        deed, step = POINTS[death.point]
        self._steps.arm("", lambda: None)
        self._doomed_steps.taken.clear()
        try:
            return self._deeds[deed](step)
        except _Fault as fault:
            return Violation(f"{death.point}: {fault}", [*self._doomed_steps.taken, *self._steps.taken])

    def _pass(self, seconds: float) -> None:
        """Let time pass for all."""
        self._passed += seconds
        for clock, wrong, ahead in zip(self._clocks, (*self._wrong, 0.0), (0.0, 0.0, _TOMORROW), strict=True):
            clock.write(self._passed + ahead, wrong)

    def _dies(self, step: str, deed: Callable[[], object]) -> None:
        """Have a process do this and die at the step."""

        def work(note: Callable[[str], object]) -> None:
            self._doomed_steps.arm(step, lambda: os.kill(os.getpid(), signal.SIGKILL))
            self._doomed_steps.note = note
            deed()

        died, notes = victim(work)
        self._doomed_steps.taken.extend(notes)
        if not died:
            raise _Fault("the process went on to the end")

    def _deadline(self) -> Deadline:
        return Deadline(self._ours.clock, SECONDS)

    def _signs_in(self, step: str) -> Recovered:
        who = identity()
        self._dies(step, lambda: signed_in(self._doomed, who))
        person = signed_in(self._ours, who)
        if is_refused(self._ours, person.cookie):
            raise _Fault("the next sign-in did not work")
        return Recovered(0.0, 0)

    def _renews(self, step: str) -> Recovered:
        person, doomed = signed_in(self._ours), self._doomed
        deadline = Deadline(doomed.clock, SECONDS)
        self._dies(step, lambda: doomed.refresher.fresh(doomed.sessions.open([person.cookie], deadline), deadline))
        began = self._ours.clock.monotonic()
        owner = self._renewed(person.cookie)
        took = self._ours.clock.monotonic() - began
        taken = [*self._doomed_steps.taken, *self._steps.taken]
        grants = sum("before grant" in step for step in taken)
        if owner != person.object_id or grants > 2 or took > RECOVERY:
            raise _Fault(f"{grants} grants, recovered after {took:.1f} s with a token of {owner}")
        self._ours.sessions.end([person.place], self._deadline())
        return Recovered(took, grants)

    def _renewed(self, cookie: str) -> str:
        """Ask until the session is renewed, each time as long later as the answer said; whose token it then has."""
        patience = Deadline(self._ours.clock, _PATIENCE)
        while patience.remaining() > 0:
            deadline = self._deadline()
            try:
                session = self._ours.refresher.fresh(self._ours.sessions.open([cookie], deadline), deadline)
                return session.tokens.access_token.reveal().split(".")[2]
            except errors.SessionBusy as busy:
                self._pass(busy.retry_after or 1)
        raise _Fault(f"nobody could go on for {_PATIENCE:.0f} s")

    def _signs_out(self, step: str) -> Recovered:
        person, doomed = signed_in(self._ours), self._doomed
        self._dies(step, lambda: doomed.sessions.end([person.place], Deadline(doomed.clock, SECONDS)))
        self._ours.sessions.end([person.place], self._deadline())
        if not is_refused(self._ours, person.cookie):
            raise _Fault("signing out again left the session")
        return Recovered(0.0, 0)

    def _rotates(self, step: str) -> Recovered:
        person = signed_in(self._ours, lasting=False)
        before = self._key_ids()
        self._pass(PERIOD + _CLOCKS)
        self._dies(step, lambda: self._doomed.keyring.rotate_if_due(Deadline(self._doomed.clock, SECONDS)))
        self._ours.keyring.rotate_if_due(self._deadline())
        self._pass(SETTLE + _CLOCKS)
        keys = self._key_ids()
        current = self._ours.keyring.current(int(self._ours.clock.now()) + 3600, self._deadline()).id
        if keys != [*before, current] or is_refused(self._ours, person.cookie):
            raise _Fault(f"keys {before} became {keys}, of which {current} is current")
        return Recovered(0.0, 0)

    def _key_ids(self) -> list[str]:
        return [row.key for row in self._ours.store.partition("keyring", "keys", self._deadline())]

    def _purges(self, step: str) -> Recovered:
        people = [signed_in(self._ours, lasting=False) for _ in range(3)]
        self._dies(step, self._purging.purge.run)
        purging = watched(self._purging, Steps())
        purging.purge.run()
        for person in people:
            partition, _, key = person.place.partition("/")
            if purging.store.read("sessions", partition, key, Deadline(purging.clock, SECONDS)) is not None:
                raise _Fault("a session of yesterday is still there")
        return Recovered(0.0, 0)


def orphans(services: Services) -> list[str]:
    """Index rows without their session, and sessions without their index rows."""
    deadline = Deadline(services.clock, 10 * SECONDS)
    rows = services.store.query("sessions", deadline, partition_from="0", partition_before="g", most=100_000)
    found = services.store.query(
        "sessionindex", deadline, partition_from="sid.", partition_before="user/", most=200_000
    )
    indexed = {(row.partition, row.key) for row in found if row.key != "epoch"}
    wanted = {(str(row.properties[name]), number(row.key)) for row in rows for name in ("user_pk", "sid_pk")}
    return sorted("/".join(place) for place in indexed ^ wanted)


def death(ground: Ground, run: str, rounds: int, crews: int, wrong: Sequence[float] = (0.0,)) -> list[Row]:
    """So many deaths at each point, then one purge. Raises Violation."""
    return [
        _point(ground, run, place, point, rounds, 1 if POINTS[point][0] in ALONE else crews, wrong)
        for place, point in enumerate(POINTS)
    ]


def _point(ground: Ground, run: str, place: int, point: str, rounds: int, crews: int, wrong: Sequence[float]) -> Row:
    at = ground.advance(ground.passed + _APART)
    ground.asked(delay=0.0, offset=at, forget=True)
    ticker = Ticker(f"{run}, {point}", rounds)
    pairs = [(wrong[place % len(wrong)], wrong[(place + 1 + crew) % len(wrong)]) for crew in range(crews)]
    works = [partial(Survivor, ground, f"death-{place}-{crew}", pairs[crew], POINTS[point][0]) for crew in range(crews)]
    found: list[Recovered] = share_out(works, [Death(point, at)] * rounds, ticker)
    file = ground.clock_file(f"death-{place}-after")
    AppClockFile(file).write(at + _AFTERWARDS)
    services = ground.services(file)
    before = len(orphans(services))
    while services.purge.run().left is not None:
        pass
    left = orphans(services)
    if left:
        raise Violation(f"{point}: {len(left)} orphans after one purge", left[:20])
    grants = sum(one.grants for one in found)
    slowest = max(one.seconds for one in found)
    held = f"{before} orphans before one purge, none after it"
    held += f"; recovered within {slowest:.1f} s, two grants at most" if grants else ""
    return Row(run, f"SIGKILL in {point}", rounds, grants or None, ticker.seconds, held)
