"""Tokens that Entra has given and that storage does not take: they are kept, for the next request to write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared import errors
from shared.clock import Deadline
from shared.refresh import Refresher
from shared.renewal import LEASE_SECONDS, WRITE_SECONDS
from shared.secret import Secret
from shared.session_rows import MAX_SEALED_BYTES, Session, Tokens
from tests.fakes import store
from tests.unit.shared.refreshing import THREADS, Table


class Outage:
    """Storage takes the next lease, and after it nothing until `over`."""

    def __init__(self, table: Table) -> None:
        self.over = False
        table.app.store.script("merge", None, *[self] * 500)

    def __call__(self) -> None:
        if not self.over:
            raise errors.StorageUnavailable


def lost(table: Table, process: Refresher) -> None:
    """Let a process get tokens that it cannot write; storage is well afterwards."""
    outage = Outage(table)
    with pytest.raises(errors.StorageUnavailable):
        process.fresh(table.session(), table.deadline())
    outage.over = True


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.mark.parametrize("failures", [1, 3, 10])
def test_storage_that_comes_back_within_four_seconds_costs_nothing(table: Table, failures: int) -> None:
    table.app.store.script("merge", None, *[store.UNAVAILABLE] * failures)
    assert table.process().fresh(table.session(), table.deadline()).generation == 2
    assert (table.access_token, table.grants.count) == ("renewed-1", 1)


def test_the_write_is_given_up_after_its_four_seconds_with_an_answer_that_says_so(table: Table) -> None:
    Outage(table)
    began = table.app.clock.monotonic()
    with pytest.raises(errors.StorageUnavailable) as failed:
        table.process().fresh(table.session(), table.deadline())
    assert failed.value.retry_after
    assert WRITE_SECONDS - 0.2 <= table.app.clock.monotonic() - began <= WRITE_SECONDS


def test_the_next_request_writes_them_at_once_and_asks_nobody(table: Table) -> None:
    process = table.process()
    lost(table, process)
    began = table.app.clock.monotonic()
    renewed = process.fresh(table.session(), table.deadline())
    assert renewed.tokens.access_token.reveal() == table.access_token == "renewed-1"
    assert table.app.clock.monotonic() == began, "our own lease holds us up for no moment"
    table.app.clock.advance(3600)
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-2"
    assert table.grants.redeemed == ["refresh-0", "refresh-1"], "the rotated refresh token was not lost"


def test_they_wait_for_as_long_as_storage_is_away(table: Table) -> None:
    process, outage = table.process(), Outage(table)
    for _ in range(3):
        with pytest.raises(errors.StorageUnavailable):
            process.fresh(table.session(), table.deadline())
        table.app.clock.advance(600)
    outage.over = True
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-1"
    assert table.grants.count == 1


def test_tokens_that_another_process_wrote_meanwhile_count_more(table: Table) -> None:
    process = table.process()
    lost(table, process)
    table.app.services.sessions.set_tokens(table.session(), table.tokens("of another"), table.deadline())
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "of another"
    table.app.clock.advance(3600)
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-2"


def test_a_request_that_read_the_row_a_generation_earlier_does_not_lose_them(table: Table) -> None:
    process, slow = table.process(), table.session()
    renewed = process.fresh(table.session(), table.deadline())
    table.app.clock.advance(3600)
    lost(table, process)
    assert process.fresh(slow, table.deadline()).generation == renewed.generation, "it finds the row renewed meanwhile"
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-2"
    assert table.grants.redeemed == ["refresh-0", "refresh-1"], "none was redeemed twice"


def test_a_session_that_was_signed_out_meanwhile_stays_so(table: Table) -> None:
    process, session = table.process(), table.session()
    lost(table, process)
    table.sign_out()
    with pytest.raises(errors.NotSignedIn):
        process.fresh(session, table.deadline())
    assert table.app.store.session_rows() == []


def test_tokens_of_an_early_refresh_are_kept_too_and_the_old_one_serves_meanwhile() -> None:
    table = Table(passed=3540)
    process, session, outage = table.process(), table.session(), Outage(table)
    assert process.fresh(session, table.deadline()) is session
    outage.over = True
    table.app.clock.advance(60)
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-1"
    assert table.grants.count == 1


def test_another_process_waits_for_the_lease_of_one_that_lost_storage_as_for_a_dead_one(table: Table) -> None:
    lost(table, table.process())
    other, began = table.process(), table.app.clock.monotonic()
    with pytest.raises(errors.SessionBusy) as busy:
        other.fresh(table.session(), table.deadline())
    table.app.clock.advance(busy.value.retry_after or 0)
    assert other.fresh(table.session(), table.deadline()).generation == 2
    assert table.app.clock.monotonic() - began <= LEASE_SECONDS + 1


def test_where_a_lease_cannot_be_released_this_process_knows_that_it_is_over(table: Table) -> None:
    process = table.process()
    table.grants.then(errors.EntraBadAnswer())
    table.app.store.script("merge", None, store.UNAVAILABLE)
    with pytest.raises(errors.EntraBadAnswer):
        process.fresh(table.session(), table.deadline())
    assert table.session().leased
    began = table.app.clock.monotonic()
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-2"
    assert table.app.clock.monotonic() == began


def test_tokens_too_large_for_a_row_are_refused_by_name_and_the_lease_is_released(table: Table) -> None:
    def grant(session: Session, deadline: Deadline, claims: str | None) -> Tokens:
        return replace(session.tokens, access_token=Secret("x" * MAX_SEALED_BYTES))

    sessions, clock = table.app.services.sessions, table.app.clock
    refresher = Refresher(sessions, clock, lambda deadline: None, grant, THREADS, pause=clock.advance)
    with pytest.raises(errors.SessionTooLarge):
        refresher.fresh(table.session(), table.deadline())
    assert (table.stored["lease_id"], table.stored["generation"]) == ("", 1)
