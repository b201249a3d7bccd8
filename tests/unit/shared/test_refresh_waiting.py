"""Waiting for new tokens: by one poller for each session and process, never long, and never at the cost of others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from shared import errors
from shared.clock import Deadline
from shared.keyring import Keyring
from shared.refresh import Refresher
from shared.renewal import GRANT_SECONDS, LEASE_SECONDS, WAIT_SECONDS
from shared.secret import Secret
from shared.session_index import SessionIndex
from shared.session_rows import Session, Tokens
from shared.sessions import Sessions
from shared.wrapping import LocalKey
from tests.fakes import build, store
from tests.fakes.clock import FakeClock
from tests.support.at_once import until
from tests.unit.shared.refreshing import Table

PATIENCE = 20.0


class Slow:
    """One process with a pool of 8, and an Entra that answers when `answer` is set."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.asked, self.answer = Event(), Event()
        self.pool = ThreadPoolExecutor(16)
        self.refresher = Refresher(
            table.app.services.sessions, table.app.clock, lambda deadline: None, self._grant, 8, pause=Event().wait
        )

    def _grant(self, session: Session, deadline: Deadline, claims: str | None) -> Tokens:
        self.asked.set()
        assert self.answer.wait(PATIENCE)
        return self.table.grants(session, deadline, claims)

    def ask(self, session: Session, count: int = 1) -> list[Future[Session]]:
        """So many requests of this session, that now wait."""
        already = self.refresher._flights._aboard
        requests = [self.pool.submit(self.refresher.fresh, session, self.table.deadline()) for _ in range(count)]
        until(lambda: self.refresher._flights._aboard == already + count)
        return requests

    def another(self, **changes: str) -> Session:
        """Another session, whose token has expired too."""
        app = self.table.app
        return app.session(app.sign_in(build.identity(**changes), build.tokens(app.clock, seconds=0)))


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def slow(table: Table) -> Iterator[Slow]:
    made = Slow(table)
    with made.pool:
        yield made
        made.answer.set()


def access(requests: list[Future[Session]]) -> list[str]:
    return [request.result(PATIENCE).tokens.access_token.reveal() for request in requests]


def test_many_requests_of_one_process_send_one_grant_and_read_the_row_no_more_often_than_one(slow: Slow) -> None:
    slow.table.app.store.calls.clear()
    requests = slow.ask(slow.table.session(), 4)
    slow.answer.set()
    assert access(requests) == ["renewed-1"] * 4
    assert slow.table.grants.count == 1
    calls = [call.operation for call in slow.table.app.store.calls if call.table == "sessions"]
    assert calls == ["read", "merge", "merge"], "to open it, the lease, and the tokens"


def test_while_another_process_has_the_lease_one_request_looks_and_all_get_what_it_finds(slow: Slow) -> None:
    table = slow.table
    table.lease("1.other")
    requests = slow.ask(table.session(), 4)
    looked = table.app.store.count("read")
    until(lambda: table.app.store.count("read") >= looked + 3)
    table.app.services.sessions.set_tokens(table.session(), table.tokens("of the other"), table.deadline())
    assert access(requests) == ["of the other"] * 4
    assert table.grants.count == 0


def test_a_refusal_of_entra_is_the_answer_for_all_who_waited_for_it(slow: Slow) -> None:
    slow.table.grants.then(errors.EntraUnavailable(retry_after=30))
    requests = slow.ask(slow.table.session(), 4)
    slow.answer.set()
    failures = [request.exception(PATIENCE) for request in requests]
    assert [(type(found), getattr(found, "retry_after", 0)) for found in failures] == [
        (errors.EntraUnavailable, 30)
    ] * 4
    assert slow.table.grants.count == 1


def test_one_stuck_session_does_not_block_others(slow: Slow) -> None:
    table, app = slow.table, slow.table.app
    session, living = table.session(), app.session(app.sign_in())
    waiting = slow.ask(session, 4)
    for _ in range(100):
        with pytest.raises(errors.SessionBusy) as busy:
            slow.refresher.fresh(session, table.deadline())
        assert busy.value.retry_after
    assert slow.refresher.fresh(living, table.deadline()) is living, "a living token never waits"
    others = slow.ask(slow.another()) + slow.ask(slow.another())
    with pytest.raises(errors.SessionBusy):
        slow.refresher.fresh(slow.another(), table.deadline())
    slow.answer.set()
    assert len(set(access(waiting))) == 1
    assert len(set(access(others))) == 2


def test_tokens_of_two_people_never_mix(table: Table) -> None:
    def grant(session: Session, deadline: Deadline, claims: str | None) -> Tokens:
        access_token = Secret(f"of {session.identity.object_id}")
        return replace(build.tokens(table.app.clock, seconds=0), access_token=access_token)

    app = table.app
    refresher = Refresher(app.services.sessions, app.clock, lambda deadline: None, grant, 64, pause=Event().wait)
    values = [
        app.sign_in(build.identity(object_id=f"person-{number}"), build.tokens(app.clock, seconds=0))
        for number in range(20)
    ]

    def ask(number: int) -> None:
        session = refresher.fresh(app.session(values[number % 20]), app.deadline())
        person = f"person-{number % 20}"
        assert (session.identity.object_id, session.tokens.access_token.reveal()) == (person, f"of {person}")

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(400))) == [None] * 400


def test_what_is_known_of_entra_costs_no_lease_and_no_grant(table: Table) -> None:
    process = table.process()
    table.grants.then(errors.EntraUnavailable(retry_after=30))
    other = table.app.session(table.app.sign_in(None, build.tokens(table.app.clock, seconds=0)))
    with pytest.raises(errors.EntraUnavailable):
        process.fresh(table.session(), table.deadline())
    merges = table.app.store.count("merge")
    table.app.clock.advance(10)
    for session in (table.session(), other):
        with pytest.raises(errors.EntraUnavailable) as told:
            process.fresh(session, table.deadline())
        assert told.value.retry_after == 20
    assert (table.app.store.count("merge"), table.grants.count) == (merges, 1)
    table.app.clock.advance(20)
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-2"


def test_what_cannot_be_prepared_is_known_too(table: Table) -> None:
    tries: list[float] = []

    def prepare(deadline: Deadline) -> None:
        tries.append(deadline.remaining())
        raise errors.EntraUnavailable(retry_after=9)

    refresher = Refresher(table.app.services.sessions, table.app.clock, prepare, table.grants, 8)
    for _ in range(5):
        with pytest.raises(errors.EntraUnavailable):
            refresher.fresh(table.session(), table.deadline())
    assert tries == [GRANT_SECONDS]


def test_a_lease_that_was_waited_for_once_is_not_waited_for_again(table: Table) -> None:
    table.lease("1.dead")
    process, clock = table.process(), table.app.clock
    began = clock.monotonic()
    with pytest.raises(errors.SessionBusy):
        process.fresh(table.session(), table.deadline())
    waited = clock.monotonic() - began
    assert WAIT_SECONDS <= waited < WAIT_SECONDS + 0.5
    for _ in range(10):
        with pytest.raises(errors.SessionBusy) as busy:
            process.fresh(table.session(), table.deadline())
    assert clock.monotonic() - began == waited, "nobody else waited"
    assert busy.value.retry_after == 7
    clock.advance(7)
    assert process.fresh(table.session(), table.deadline()).generation == 2
    assert clock.monotonic() - began <= LEASE_SECONDS + 0.5


@pytest.mark.parametrize("moment", ["before the call", "after the answer", "before the write"])
def test_a_dead_lease_holder_delays_but_does_not_break(table: Table, moment: str) -> None:
    class Killed(BaseException):
        """The process is gone: nothing that it would have done is done."""

    def die() -> None:
        raise Killed

    if moment == "before the call":
        table.app.store.script("merge", None)
        table.grants.then(die)
    else:
        table.app.store.script("merge", None, die)
    with pytest.raises(Killed):
        table.process().fresh(table.session(), table.deadline())
    survivor, clock = table.process(), table.app.clock
    began = clock.monotonic()
    while True:
        try:
            renewed = survivor.fresh(table.session(), table.deadline())
            break
        except errors.SessionBusy as busy:
            clock.advance(busy.retry_after or 0)
    assert renewed.tokens.access_token.reveal() == table.access_token
    assert clock.monotonic() - began <= LEASE_SECONDS + 2
    assert table.grants.count <= 2


class Elsewhere(FakeClock):
    """The clock of another machine: it goes as fast, but its time of day is off."""

    def __init__(self, clock: FakeClock, off: float) -> None:
        super().__init__()
        self.clock, self.off = clock, off

    def now(self) -> float:
        return self.clock.now() + self.off

    def monotonic(self) -> float:
        return self.clock.monotonic() + 12345.0

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)


def elsewhere(table: Table, off: float) -> tuple[Sessions, Refresher]:
    """A process on a machine whose clock is off."""
    app, clock = table.app, Elsewhere(table.app.clock, off)
    assert app.config.sealing_key is not None
    keyring = Keyring(app.store, LocalKey(app.config.sealing_key), clock)
    sessions = Sessions(app.store, SessionIndex(app.store, keyring, clock), keyring, app.config, clock)
    return sessions, Refresher(sessions, clock, lambda deadline: None, table.grants, 64, pause=clock.advance)


@pytest.mark.parametrize("off", [-300.0, -60.0, 0.0, 60.0, 300.0])
def test_a_clock_that_is_off_costs_no_grant_and_no_waiting(table: Table, off: float) -> None:
    table.app.clock.advance(300)
    sessions, process = elsewhere(table, off)
    for _ in range(3):
        session = sessions.open([table.value], table.deadline())
        assert process.fresh(session, table.deadline()).generation == 2
        assert table.process().fresh(table.session(), table.deadline()).generation == 2
    assert table.grants.count == 1


@pytest.mark.parametrize("off", [-300.0, -60.0, 0.0, 60.0, 300.0])
def test_a_clock_that_is_off_waits_for_a_dead_holder_as_long_as_any(table: Table, off: float) -> None:
    table.app.clock.advance(300)
    table.lease("1.dead")
    sessions, process = elsewhere(table, off)
    began = table.app.clock.monotonic()
    with pytest.raises(errors.SessionBusy) as busy:
        process.fresh(sessions.open([table.value], table.deadline()), table.deadline())
    table.app.clock.jump(-off)
    table.app.clock.advance(busy.value.retry_after or 0)
    assert process.fresh(sessions.open([table.value], table.deadline()), table.deadline()).generation == 2
    assert LEASE_SECONDS <= table.app.clock.monotonic() - began <= LEASE_SECONDS + 1


SLOW_STEPS: list[Callable[[Table], None]] = [
    lambda table: table.app.store.script("merge", lambda: table.app.clock.advance(4)),
    lambda table: table.grants.then(lambda: table.app.clock.advance(GRANT_SECONDS)),
    lambda table: table.app.store.script("merge", None, *[store.CHANGED] * 30),
]


def test_however_slow_each_step_is_a_request_ends_within_its_25_seconds() -> None:
    for steps in range(1, 8):
        table = Table()
        for number, step in enumerate(SLOW_STEPS):
            if steps >> number & 1:
                step(table)
        table.app.store.script("read", *[lambda table=table: table.app.clock.advance(1.9)] * 60)
        began, deadline = table.app.clock.monotonic(), table.deadline()

        def prepare(within: Deadline, table: Table = table) -> None:
            table.app.clock.advance(within.remaining())

        sessions, clock = table.app.services.sessions, table.app.clock
        refresher = Refresher(sessions, clock, prepare, table.grants, 8, pause=clock.advance)
        with contextlib.suppress(errors.SessionBusy, errors.StorageUnavailable):
            refresher.fresh(sessions.open([table.value], deadline), deadline)
        assert clock.monotonic() - began <= 27.0, steps


def test_whoever_has_too_little_time_to_finish_does_not_begin(table: Table) -> None:
    session = table.session()
    with pytest.raises(errors.SessionBusy) as busy:
        table.process().fresh(session, table.deadline(11.5))
    assert busy.value.retry_after
    assert (table.app.store.count("merge"), table.grants.count) == (0, 0)
