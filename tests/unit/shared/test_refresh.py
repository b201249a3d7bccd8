"""One refresh grant, whoever else is at the same session: other requests, other processes, and one that died."""

from __future__ import annotations

import pytest

from shared import errors
from shared.clock import Deadline
from shared.keyring import Keyring
from shared.refresh import Refresher
from shared.renewal import LEASE_SECONDS, WAIT_SECONDS
from shared.sealing import DataKey
from shared.sessions import Sessions
from shared.wrapping import LocalKey
from tests.fakes import build, store
from tests.unit.shared.refreshing import THREADS, Table


@pytest.fixture
def table() -> Table:
    return Table()


def test_a_token_that_lives_costs_nothing() -> None:
    app = build.world()
    session = app.session(app.sign_in())
    app.clock.advance(2999)
    before = app.store.count()
    assert app.services.refresher.fresh(session, app.deadline()) is session
    assert (app.store.count() - before, len(app.network.requests)) == (0, 0)


def test_an_expired_token_costs_one_grant_and_two_writes_and_the_result_is_kept(table: Table) -> None:
    renewed = table.process().fresh(table.session(), table.deadline())
    assert renewed.tokens.access_token.reveal() == table.access_token == "renewed-1"
    assert renewed.generation == table.stored["generation"] == 2
    assert table.grants.redeemed == ["refresh-0"]
    assert table.app.store.count("merge") == 2


def test_each_refresh_redeems_the_refresh_token_that_the_last_one_gave(table: Table) -> None:
    process = table.process()
    for _ in range(3):
        process.fresh(table.session(), table.deadline())
        table.app.clock.advance(3600)
    assert table.grants.redeemed == ["refresh-0", "refresh-1", "refresh-2"]
    assert table.stored["generation"] == 4


def test_a_refresh_counts_as_use_of_the_session(table: Table) -> None:
    table.process().fresh(table.session(), table.deadline())
    assert table.stored["seen"] == table.app.clock.now()


def test_what_a_grant_needs_is_there_before_the_lease_is_taken(table: Table) -> None:
    def prepare(deadline: Deadline) -> None:
        assert table.stored["lease_id"] == ""
        raise errors.EntraUnavailable

    refresher = Refresher(table.app.services.sessions, table.app.clock, prepare, table.grants, THREADS)
    with pytest.raises(errors.EntraUnavailable):
        refresher.fresh(table.session(), table.deadline())
    assert table.app.store.count("merge") == table.grants.count == 0


class SealsNothing(Keyring):
    """Opens what was sealed before, and has no key for anything new."""

    def current(self, expires: int, deadline: Deadline) -> DataKey:
        raise errors.KeysUnavailable


def test_without_a_key_to_seal_its_answer_with_entra_is_not_asked(table: Table) -> None:
    app = table.app
    assert app.config.sealing_key is not None
    keyring = SealsNothing(app.store, LocalKey(app.config.sealing_key), app.clock)
    sessions = Sessions(app.store, app.services.index, keyring, app.config, app.clock)
    refresher = Refresher(sessions, app.clock, lambda deadline: None, table.grants, THREADS)
    with pytest.raises(errors.KeysUnavailable):
        refresher.fresh(table.session(), table.deadline())
    assert (table.stored["lease_id"], table.grants.count) == ("", 0)


def test_the_lease_is_held_while_entra_is_asked_and_names_the_generation(table: Table) -> None:
    seen: list[object] = []
    table.grants.then(lambda: seen.append(table.stored["lease_id"]))
    table.process().fresh(table.session(), table.deadline())
    assert str(seen[0]).startswith("1.")
    assert len(str(seen[0])) >= 14


def test_a_lease_of_an_earlier_generation_holds_nobody_up(table: Table) -> None:
    table.process().fresh(table.session(), table.deadline())
    assert str(table.stored["lease_id"]).startswith("1.")
    table.app.clock.advance(3600)
    assert table.process().fresh(table.session(), table.deadline()).generation == 3


def test_whoever_waits_gets_the_tokens_that_the_holder_of_the_lease_wrote(table: Table) -> None:
    held, waiting = table.process(), table.process()
    waited_for: list[str] = []

    def while_entra_is_asked() -> None:
        late = table.session()
        table.app.store.script("read", None, write)
        waited_for.append(waiting.fresh(late, table.deadline()).tokens.access_token.reveal())

    def write() -> None:
        sessions = table.app.services.sessions
        sessions.set_tokens(table.session(), build.tokens(table.app.clock, access="of-the-holder"), table.deadline())

    table.grants.then(while_entra_is_asked)
    assert held.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "of-the-holder"
    assert waited_for == ["of-the-holder"]
    assert table.grants.count == 1


def test_two_that_reach_for_the_lease_together_send_one_grant(table: Table) -> None:
    first, second = table.process(), table.process()
    session = table.session()
    table.app.store.script("merge", lambda: first.fresh(table.session(), table.deadline()))
    assert second.fresh(session, table.deadline()).tokens.access_token.reveal() == "renewed-1"
    assert table.grants.count == 1


def wait_for(table: Table, seconds: float) -> None:
    """Let each of the next polls of the row take that long."""
    table.app.store.script("read", *[lambda: table.app.clock.advance(seconds)] * 40)


def test_a_wait_ends_after_eight_seconds_with_503_and_when_to_ask_again(table: Table) -> None:
    table.lease("1.somebody")
    session, began = table.session(), table.app.clock.monotonic()
    wait_for(table, 2.0)
    with pytest.raises(errors.SessionBusy) as busy:
        table.process().fresh(session, table.deadline())
    assert busy.value.retry_after == LEASE_SECONDS - WAIT_SECONDS
    assert WAIT_SECONDS <= table.app.clock.monotonic() - began < WAIT_SECONDS + 2.2
    assert table.grants.count == 0
    assert table.stored["lease_id"] == "1.somebody"


def test_a_wait_is_never_longer_than_the_request_has(table: Table) -> None:
    table.lease("1.somebody")
    session, began = table.session(), table.app.clock.monotonic()
    wait_for(table, 1.0)
    with pytest.raises((errors.SessionBusy, errors.StorageUnavailable)):
        table.process().fresh(session, table.deadline(3.0))
    assert table.app.clock.monotonic() - began <= 4.0


def busy_once(table: Table, process: Refresher) -> None:
    """A request that learns of the lease and has no time to wait for it."""
    with pytest.raises(errors.SessionBusy):
        process.fresh(table.session(), table.deadline(0.0))


def test_a_lease_whose_holder_died_is_taken_over_after_fifteen_seconds_and_not_before(table: Table) -> None:
    table.lease("1.dead")
    process = table.process()
    busy_once(table, process)
    table.app.clock.advance(LEASE_SECONDS - 0.5)
    busy_once(table, process)
    table.app.clock.advance(0.5)
    assert process.fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "renewed-1"
    assert table.grants.count == 1


def test_another_id_on_the_lease_is_another_holder_with_fifteen_seconds_of_its_own(table: Table) -> None:
    process = table.process()
    for lease_id in ("1.first", "1.second", "1.third"):
        table.lease(lease_id)
        busy_once(table, process)
        table.app.clock.advance(LEASE_SECONDS - 1)
    busy_once(table, process)
    assert table.grants.count == 0


def test_wall_clocks_that_jump_neither_shorten_nor_lengthen_a_lease(table: Table) -> None:
    table.lease("1.dead")
    process = table.process()
    busy_once(table, process)
    table.app.clock.jump(300)
    busy_once(table, process)
    table.app.clock.jump(-300)
    table.app.clock.advance(LEASE_SECONDS)
    assert process.fresh(table.session(), table.deadline()).generation == 2


def test_a_holder_that_wakes_up_after_its_lease_was_taken_over_adopts_the_newer_tokens(table: Table) -> None:
    def oversleep() -> None:
        other = table.process()
        busy_once(table, other)
        table.app.clock.advance(LEASE_SECONDS)
        other.fresh(table.session(), table.deadline())

    table.grants.then(oversleep)
    late = table.process().fresh(table.session(), table.deadline())
    assert late.tokens.access_token.reveal() == table.access_token == "renewed-2"
    assert late.generation == table.stored["generation"] == 2
    assert table.grants.count == 2


def test_a_token_that_graph_rejected_is_renewed_although_it_has_not_expired() -> None:
    table = Table()
    process = table.process()
    session = process.fresh(table.session(), table.deadline())
    assert process.renewed(session, None, table.deadline()).generation == 3
    assert table.grants.count == 2


def test_two_requests_whose_token_graph_rejected_send_one_grant_between_them() -> None:
    table = Table()
    process = table.process()
    session = process.fresh(table.session(), table.deadline())
    tokens = {process.renewed(session, None, table.deadline()).tokens.access_token.reveal() for _ in range(2)}
    assert tokens == {"renewed-2"}
    assert table.grants.count == 2


def test_without_a_refresh_token_the_session_ends_and_entra_is_not_asked() -> None:
    table = Table()
    app = table.app
    value = app.sign_in(None, build.tokens(app.clock, refresh=None))
    with pytest.raises(errors.NotSignedIn):
        table.process().renewed(app.session(value), None, app.deadline())
    assert table.grants.count == 0
    with pytest.raises(errors.NotSignedIn):
        app.session(value)


def test_the_refresh_takes_its_time_from_the_request_and_its_write_has_its_own(table: Table) -> None:
    table.grants.then(lambda: table.app.clock.advance(24.5))
    assert table.process().fresh(table.session(), table.deadline(25.0)).generation == 2
    table.app.clock.advance(3600)
    table.grants.then(lambda: table.app.clock.advance(30))
    assert table.process().fresh(table.session(), table.deadline(25.0)).generation == 3


def test_storage_that_fails_before_the_grant_sends_none(table: Table) -> None:
    table.app.store.script("merge", store.UNAVAILABLE)
    with pytest.raises(errors.StorageUnavailable):
        table.process().fresh(table.session(), table.deadline())
    assert table.grants.count == 0
    assert table.process().fresh(table.session(), table.deadline()).generation == 2
