"""Renewing a token while it still lives: one request does it, nobody waits, and a failure is nobody's trouble."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from shared import errors
from shared.clock import Deadline
from shared.refresh import REST_SECONDS, Refresher
from shared.sealing import seal, unseal
from shared.session_rows import Session
from tests.fakes import build, store
from tests.support.at_once import until
from tests.unit.shared.refreshing import THREADS, Table

PATIENCE = 20.0


def point(table: Table, session: Session) -> int:
    """After how many seconds of its life a session's token is first to be renewed."""
    tried: list[int] = []

    def prepare(deadline: Deadline) -> None:
        tried.append(1)
        raise errors.EntraBadAnswer

    for passed in range(table.life):
        tokens = replace(session.tokens, expires=session.tokens.expires - passed, issued=session.tokens.issued - passed)
        refresher = Refresher(table.app.services.sessions, table.app.clock, prepare, table.grants, THREADS)
        refresher.fresh(replace(session, tokens=tokens), table.deadline())
        if tried:
            return passed
    raise AssertionError("never")


def due() -> Table:
    """A table whose session is past its point: a minute is left."""
    return Table(passed=3540)


@pytest.mark.parametrize(("life", "span"), [(3600, 600), (300, 60), (86400, 600)])
def test_a_token_is_renewed_from_a_point_in_the_last_tenth_or_so_of_its_life(life: int, span: int) -> None:
    table = Table(life, life - span - 1)
    before = table.app.store.count("merge")
    session = table.session()
    assert table.process().fresh(session, table.deadline()) is session
    assert table.app.store.count("merge") == before
    table.app.clock.advance(1 + span // 2)
    assert table.process().fresh(table.session(), table.deadline()).generation == 2


def test_the_point_is_the_same_in_every_process_and_another_for_each_session_and_generation() -> None:
    table = Table(300, 0)
    first = table.session()
    second = table.app.session(table.app.sign_in(None, first.tokens))
    later = replace(first, row=replace(first.row, properties={**first.row.properties, "generation": 2}))
    points = [point(table, session) for session in (first, first, second, later)]
    assert points[0] == points[1]
    assert len(set(points)) >= 2
    assert all(240 <= found <= 270 for found in points)


def test_while_entra_is_asked_the_others_go_on_with_the_old_token_and_cost_nothing() -> None:
    table, asked, answer = due(), Event(), Event()
    process, other = table.process(), table.process()

    def slowly() -> None:
        asked.set()
        assert answer.wait(PATIENCE)

    table.grants.then(slowly)
    with ThreadPoolExecutor(1) as pool:
        winner = pool.submit(process.fresh, table.session(), table.deadline())
        assert asked.wait(PATIENCE)
        session, calls = table.session(), table.app.store.count()
        for _ in range(100):
            assert process.fresh(session, table.deadline()) is session
            assert other.fresh(session, table.deadline()) is session
        assert table.app.store.count() == calls
        answer.set()
        assert winner.result(PATIENCE).tokens.access_token.reveal() == "renewed-1"
    assert table.grants.count == 1


def test_whoever_read_the_row_before_it_was_renewed_sends_no_second_grant() -> None:
    table = due()
    late, process = table.session(), table.process()
    process.fresh(table.session(), table.deadline())
    assert process.fresh(late, table.deadline()).tokens.access_token.reveal() == "renewed-1"
    assert table.grants.count == 1


FAILURES: list[Exception] = [
    errors.EntraUnavailable(retry_after=30),
    errors.EntraUnavailable(),
    errors.EntraBadAnswer(),
    errors.AppRegistrationRefused(),
    errors.InteractionRequired('{"access_token":{}}'),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_whatever_fails_the_old_token_serves_and_the_session_is_left_alone_for_a_minute(failure: Exception) -> None:
    table = due()
    process = table.process()
    table.grants.then(failure)
    for _ in range(20):
        session = table.session()
        assert process.fresh(session, table.deadline()) is session
    assert table.grants.count == 1
    assert (table.stored["generation"], table.stored["lease_id"]) == (1, "")
    assert table.session().challenge is None, "nothing is marked while the token lives"


def test_after_a_minute_it_is_tried_again() -> None:
    table = Table(passed=3400)
    process = table.process()
    table.grants.then(errors.EntraBadAnswer(), errors.EntraBadAnswer())
    for seconds, grants in ((REST_SECONDS - 1, 1), (1, 1), (REST_SECONDS, 2), (1, 3)):
        process.fresh(table.session(), table.deadline())
        assert table.grants.count == grants
        table.app.clock.advance(seconds)
    assert table.stored["generation"] == 2


def test_a_failure_for_one_session_leaves_no_other_alone() -> None:
    table = due()
    other = table.app.session(table.app.sign_in(None, table.session().tokens))
    process = table.process()
    table.grants.then(errors.EntraBadAnswer())
    process.fresh(table.session(), table.deadline())
    assert process.fresh(other, table.deadline()).generation == 2


@pytest.mark.parametrize("operation", ["lease", "read after the lease"])
def test_storage_that_fails_ahead_of_expiry_is_not_noticed(operation: str) -> None:
    table = due()
    session = table.session()
    if operation == "lease":
        table.app.store.script("merge", store.UNAVAILABLE)
    else:
        table.app.store.script("merge", store.UNKNOWN_AFTER)
        table.app.store.script("read", store.UNAVAILABLE)
    assert table.process().fresh(session, table.deadline()) is session
    assert table.grants.count == 0


def test_a_dead_grant_is_not_passed_over() -> None:
    table = due()
    table.grants.then(errors.NotSignedIn())
    with pytest.raises(errors.NotSignedIn):
        table.process().fresh(table.session(), table.deadline())
    assert table.app.store.session_rows() == []
    with pytest.raises(errors.NotSignedIn):
        table.session()


def test_a_token_that_expired_while_entra_was_asked_serves_nobody() -> None:
    table = due()

    def too_slowly() -> None:
        table.app.clock.jump(61)
        raise errors.EntraBadAnswer

    table.grants.then(too_slowly)
    with pytest.raises(errors.EntraBadAnswer):
        table.process().fresh(table.session(), table.deadline())
    assert table.grants.count == 1, "one request tries once"


def test_when_the_token_expires_the_failure_ahead_of_it_holds_nobody_up() -> None:
    table = due()
    process = table.process()
    table.grants.then(errors.EntraBadAnswer())
    process.fresh(table.session(), table.deadline())
    table.app.clock.advance(30)
    process.fresh(table.session(), table.deadline())
    assert table.grants.count == 1
    table.app.clock.advance(30)
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-2"


def test_where_too_many_wait_for_others_the_old_token_serves() -> None:
    table = due()
    process = Refresher(
        table.app.services.sessions, table.app.clock, lambda deadline: None, table.grants, 1, pause=lambda seconds: None
    )
    other = table.app.session(table.app.sign_in(None, build.tokens(table.app.clock, access="expired", seconds=0)))

    def meanwhile() -> None:
        session = table.session()
        assert process.fresh(session, table.deadline()) is session

    table.grants.then(meanwhile)
    assert process.fresh(other, table.deadline()).generation == 2
    assert table.grants.count == 1


def test_a_request_that_has_no_time_left_goes_on_with_the_old_token() -> None:
    table = due()
    session = table.session()
    assert table.process().fresh(session, table.deadline(11.0)) is session
    assert table.app.store.count("merge") == table.grants.count == 0


def test_a_request_that_had_no_time_leaves_it_to_the_next() -> None:
    table = due()
    process = table.process()
    process.fresh(table.session(), table.deadline(11.0))
    assert process.fresh(table.session(), table.deadline()).generation == 2


def test_whoever_comes_when_the_token_has_expired_gets_nothing_of_an_early_try_that_found_others_at_it() -> None:
    table, trying, go_on = due(), Event(), Event()

    def prepare(deadline: Deadline) -> None:
        trying.set()
        assert go_on.wait(PATIENCE)

    sessions, clock = table.app.services.sessions, table.app.clock
    process = Refresher(sessions, clock, prepare, table.grants, THREADS, pause=Event().wait)
    with ThreadPoolExecutor(2) as pool:
        try:
            early = pool.submit(process.fresh, table.session(), table.deadline())
            assert trying.wait(PATIENCE)
            table.lease("1.other")
            clock.jump(60)
            late = pool.submit(process.fresh, table.session(), table.deadline())
            until(lambda: process._flights._aboard == 2)
            go_on.set()
            sessions.set_tokens(table.session(), table.tokens("of the other"), table.deadline())
            both = {request.result(PATIENCE).tokens.access_token.reveal() for request in (early, late)}
        finally:
            table.sign_out()
    assert both == {"of the other"}
    assert table.grants.count == 0


def test_without_a_refresh_token_nothing_is_tried() -> None:
    table = Table(passed=0)
    session = table.app.session(table.app.sign_in(None, build.tokens(table.app.clock, refresh=None)))
    table.app.clock.advance(3599)
    calls = table.app.store.count()
    assert table.process().fresh(session, table.deadline()) is session
    assert (table.app.store.count(), table.grants.count) == (calls, 0)


def test_a_row_of_the_release_before_is_read_and_renewed_when_it_has_expired() -> None:
    table = Table(passed=0)
    older(table)
    table.app.clock.advance(3599)
    session = table.session()
    assert (session.tokens.expires - session.tokens.issued, session.challenge) == (0, None)
    assert table.process().fresh(session, table.deadline()) is session
    table.app.clock.advance(1)
    assert table.process().fresh(table.session(), table.deadline()).generation == 2


def older(table: Table) -> None:
    """Take out of the payload what the release before did not write."""
    session = table.session()
    data_key = table.app.services.keyring.find(str(session.row.properties["key_id"]), table.deadline())
    assert data_key is not None
    salt, place = session.secret.encode(), f"{session.row.partition}/{session.row.key}"
    sealed = session.row.properties["sealed"]
    assert isinstance(sealed, bytes)
    payload = json.loads(unseal(data_key, salt, "session", place, sealed))
    del payload["issued"], payload["challenge"]
    table.app.store.change(
        session.row, sealed=seal(data_key, salt, "session", place, json.dumps(payload).encode()), key_id=data_key.id
    )
