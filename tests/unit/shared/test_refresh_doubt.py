"""Refresh when an answer of the table is lost, when Entra refuses, and when somebody signs out in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import errors
from tests.fakes import store
from tests.fakes.store import Fault
from tests.unit.shared.refreshing import Table

type During = Callable[[Table], None]


@pytest.fixture
def table() -> Table:
    return Table()


FAULTS = [store.UNKNOWN_BEFORE, store.UNKNOWN_AFTER, store.CHANGED_AFTER, store.CHANGED]
LOST = pytest.mark.parametrize(
    "fault", FAULTS, ids=["request lost", "answer lost", "our repetition met our write", "somebody else wrote"]
)


@LOST
def test_doubt_about_the_lease_costs_no_second_grant(table: Table, fault: Fault) -> None:
    table.app.store.script("merge", fault)
    assert table.process().fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-1"
    assert table.access_token == "renewed-1"
    assert (table.grants.count, table.stored["generation"]) == (1, 2)


@LOST
def test_doubt_about_the_write_keeps_the_tokens_and_costs_no_second_grant(table: Table, fault: Fault) -> None:
    table.app.store.script("merge", None, fault)
    assert table.process().fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-1"
    assert table.access_token == "renewed-1"
    assert (table.grants.count, table.stored["generation"]) == (1, 2)


def test_another_writer_between_lease_and_write_does_not_cost_us_the_tokens(table: Table) -> None:
    def touch() -> None:
        (row,) = table.app.store.session_rows()
        table.app.store.change(row, seen=int(table.app.clock.now()))

    table.grants.then(touch)
    assert table.process().fresh(table.session(), table.deadline()).generation == 2
    assert table.access_token == "renewed-1"


def test_a_table_that_changes_without_end_ends_in_503_and_signs_nobody_out(table: Table) -> None:
    table.app.store.script("merge", None, *[store.CHANGED] * 40)
    table.grants.then(
        lambda: table.app.store.script("read", *[lambda: table.app.clock.advance(1.0)] * 40),
    )
    with pytest.raises(errors.StorageUnavailable):
        table.process().fresh(table.session(), table.deadline())
    assert table.stored["generation"] == 1


def test_storage_that_fails_at_the_write_is_503_and_the_session_stays(table: Table) -> None:
    table.app.store.script("merge", None, *[store.UNAVAILABLE] * 40)
    with pytest.raises(errors.StorageUnavailable):
        table.process().fresh(table.session(), table.deadline())
    assert table.session().tokens.refresh_token is not None


@pytest.mark.parametrize("writes_before", [0, 1], ids=["before the lease", "before the write"])
def test_a_row_that_is_gone_means_signed_out(table: Table, writes_before: int) -> None:
    table.app.store.script("merge", *[None] * writes_before, table.sign_out)
    with pytest.raises(errors.NotSignedIn):
        table.process().fresh(table.session(), table.deadline())
    assert table.app.store.session_rows() == []
    assert table.grants.count == writes_before


def signed_out_at_the_lease(table: Table) -> None:
    table.app.store.script("merge", table.sign_out)


def signed_out_while_entra_is_asked(table: Table) -> None:
    table.grants.then(table.sign_out)


def signed_out_at_the_write(table: Table) -> None:
    table.app.store.script("merge", None, table.sign_out)


def signed_out_after_a_lost_lease(table: Table) -> None:
    table.app.store.script("merge", store.UNKNOWN_AFTER)
    table.app.store.script("read", None, table.sign_out)


def signed_out_after_a_lost_write(table: Table) -> None:
    table.app.store.script("merge", None, store.UNKNOWN_AFTER)
    table.app.store.script("read", None, table.sign_out)


def signed_out_after_a_write_that_never_arrived(table: Table) -> None:
    table.app.store.script("merge", None, store.UNKNOWN_BEFORE)
    table.app.store.script("read", None, table.sign_out)


def signed_out_before_the_second_try_of_the_write(table: Table) -> None:
    table.app.store.script("merge", None, store.UNKNOWN_BEFORE, table.sign_out)


def signed_out_while_entra_fails(table: Table) -> None:
    table.grants.then(errors.EntraUnavailable())
    table.app.store.script("merge", None, table.sign_out)


def signed_out_while_the_grant_dies(table: Table) -> None:
    table.grants.then(errors.NotSignedIn())
    table.app.store.script("delete", table.sign_out)


@pytest.mark.parametrize(
    "during",
    [
        signed_out_at_the_lease,
        signed_out_while_entra_is_asked,
        signed_out_at_the_write,
        signed_out_after_a_lost_lease,
        signed_out_after_a_lost_write,
        signed_out_after_a_write_that_never_arrived,
        signed_out_before_the_second_try_of_the_write,
        signed_out_while_entra_fails,
        signed_out_while_the_grant_dies,
    ],
)
def test_signing_out_during_a_refresh_is_never_undone(table: Table, during: During) -> None:
    during(table)
    with pytest.raises((errors.NotSignedIn, errors.EntraUnavailable)):
        table.process().fresh(table.session(), table.deadline())
    assert table.app.store.session_rows() == []
    with pytest.raises(errors.NotSignedIn):
        table.session()


FAILURES = [
    errors.EntraUnavailable(),
    errors.EntraBadAnswer(),
    errors.AppRegistrationRefused(),
    ZeroDivisionError(),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_refusal_that_is_not_a_dead_grant_releases_the_lease_and_signs_nobody_out(
    table: Table, failure: Exception
) -> None:
    table.grants.then(failure)
    with pytest.raises(type(failure)):
        table.process().fresh(table.session(), table.deadline())
    assert (table.stored["lease_id"], table.stored["generation"]) == ("", 1)
    assert table.process().fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-2"


@pytest.mark.parametrize("fault", [store.UNAVAILABLE, store.CHANGED, store.GONE, store.UNKNOWN_BEFORE])
def test_a_lease_that_cannot_be_released_hides_no_failure_of_entras(table: Table, fault: Fault) -> None:
    table.grants.then(errors.EntraUnavailable(retry_after=7))
    table.app.store.script("merge", None, fault)
    with pytest.raises(errors.EntraUnavailable) as failed:
        table.process().fresh(table.session(), table.deadline())
    assert failed.value.retry_after == 7


def test_a_dead_grant_ends_the_session(table: Table) -> None:
    table.grants.then(errors.NotSignedIn())
    with pytest.raises(errors.NotSignedIn):
        table.process().fresh(table.session(), table.deadline())
    assert table.app.store.session_rows() == []
    with pytest.raises(errors.NotSignedIn):
        table.session()
    assert table.grants.count == 1


def test_a_grant_that_is_dead_because_another_has_redeemed_it_ends_nothing(table: Table) -> None:
    def overslept() -> None:
        table.app.services.sessions.set_tokens(table.session(), table.tokens("of another"), table.deadline())
        raise errors.NotSignedIn

    table.grants.then(overslept)
    assert table.process().fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "of another"
    assert len(table.app.store.session_rows()) == 1


def test_a_grant_that_another_has_redeemed_just_before_the_delete_ends_nothing(table: Table) -> None:
    def taken_over() -> None:
        table.app.services.sessions.set_tokens(table.session(), table.tokens("of another"), table.deadline())

    table.grants.then(errors.NotSignedIn())
    table.app.store.script("delete", taken_over)
    assert table.process().fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "of another"
    assert len(table.app.store.session_rows()) == 1


def test_a_dead_grant_ends_the_session_although_somebody_noted_its_use_meanwhile(table: Table) -> None:
    def touch() -> None:
        (row,) = table.app.store.session_rows()
        table.app.store.change(row, seen=int(table.app.clock.now()))

    table.grants.then(errors.NotSignedIn())
    table.app.store.script("delete", touch)
    with pytest.raises(errors.NotSignedIn):
        table.process().fresh(table.session(), table.deadline())
    assert table.app.store.session_rows() == []


def one_round(table: Table, threads: int) -> set[str]:
    """Ask for a fresh token from that many threads of two processes at once; gives back what they were given."""
    processes, start = [table.process(threading.Event().wait) for _ in range(2)], threading.Barrier(threads)

    def ask(number: int) -> str:
        session = table.session()
        start.wait(10)
        return processes[number % 2].fresh(session, table.deadline()).tokens.access_token.reveal()

    with ThreadPoolExecutor(threads) as pool:
        return set(pool.map(ask, range(threads)))


def test_many_threads_of_two_processes_cost_one_grant_a_round_and_all_get_its_result(table: Table) -> None:
    for number in range(1, 21):
        assert one_round(table, 12) == {f"renewed-{number}"}
        assert table.grants.count == number
        table.app.clock.advance(3600)


def test_under_faults_and_threads_the_stored_generation_never_goes_back(table: Table) -> None:
    for number in range(20):
        table.app.store.script("merge", FAULTS[number % 4], FAULTS[(number + 1) % 4])
        assert one_round(table, 6) == {f"renewed-{table.grants.count}"}
        table.app.clock.advance(3600)
    generations = [row.properties["generation"] for row in table.app.store.written if "generation" in row.properties]
    assert generations == sorted(generations, key=int)
    assert generations[-1] == 21
    assert table.grants.count == 20
