"""Where Entra or Graph want the person: kept in the row, asked once, and nobody is signed out by it."""

from __future__ import annotations

import pytest

from shared import errors
from shared.session_rows import Challenge
from tests.fakes import build, store
from tests.fakes.store import Fault
from tests.unit.shared.refreshing import Table

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
OTHERS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def living() -> Table:
    return Table(passed=60)


def refused(table: Table, claims: str | None = CLAIMS) -> None:
    """Entra wants the person before it renews the expired token."""
    table.grants.then(errors.InteractionRequired(claims))
    with pytest.raises(errors.InteractionRequired) as wanted:
        table.process().fresh(table.session(), table.deadline())
    assert wanted.value.claims == claims


def test_a_refresh_that_wants_the_person_is_kept_for_every_request_and_every_process(table: Table) -> None:
    refused(table)
    for _ in range(10):
        with pytest.raises(errors.InteractionRequired) as wanted:
            table.session()
        assert wanted.value.claims == CLAIMS
    assert table.grants.count == 1
    found = table.app.services.sessions.find([table.value], table.deadline())
    assert found is not None, "to sign out, and to step up"
    assert found.challenge == Challenge(CLAIMS, blocking=True)
    assert found.tokens.refresh_token is not None


def test_entra_may_want_the_person_without_saying_for_what(table: Table) -> None:
    refused(table, None)
    with pytest.raises(errors.InteractionRequired) as wanted:
        table.session()
    assert wanted.value.claims is None


def test_a_refresh_that_wants_the_person_ends_the_lease_and_is_the_next_generation(table: Table) -> None:
    refused(table)
    found = table.app.services.sessions.find([table.value], table.deadline())
    assert found is not None
    assert (found.generation, found.leased) == (2, False)


def test_whoever_waits_in_another_process_learns_that_the_person_is_wanted(table: Table) -> None:
    table.lease("1.other")
    waiting = table.session()

    def other() -> None:
        challenge = Challenge(CLAIMS, blocking=True)
        table.app.services.sessions.set_challenge(waiting, challenge, table.deadline())

    table.app.store.script("read", None, other)
    with pytest.raises(errors.InteractionRequired) as wanted:
        table.process().fresh(waiting, table.deadline())
    assert (wanted.value.claims, table.grants.count) == (CLAIMS, 0)


def test_a_token_that_graph_rejects_is_renewed_with_the_claims_that_graph_demands(living: Table) -> None:
    session = living.process().renewed(living.session(), CLAIMS, living.deadline())
    assert session.tokens.access_token.reveal() == living.access_token == "renewed-1"
    assert living.grants.claims == [CLAIMS]
    assert living.session().challenge is None


def test_where_entra_wants_the_person_for_them_that_is_kept_and_the_rest_goes_on(living: Table) -> None:
    living.grants.then(errors.InteractionRequired(OTHERS))
    for _ in range(10):
        with pytest.raises(errors.InteractionRequired) as wanted:
            living.process().renewed(living.session(), CLAIMS, living.deadline())
        assert wanted.value.claims == CLAIMS, "what Graph demands, which a sign-in can bring"
    assert living.grants.count == 1
    session = living.session()
    assert session.challenge == Challenge(CLAIMS, blocking=False)
    assert living.process().fresh(session, living.deadline()) is session


def test_other_claims_than_those_that_are_kept_are_tried(living: Table) -> None:
    living.grants.then(errors.InteractionRequired())
    with pytest.raises(errors.InteractionRequired):
        living.process().renewed(living.session(), CLAIMS, living.deadline())
    assert living.process().renewed(living.session(), OTHERS, living.deadline()).generation == 3
    assert living.grants.claims == [CLAIMS, OTHERS]


def test_a_token_that_is_renewed_for_its_age_leaves_kept_what_graph_demands(living: Table) -> None:
    living.grants.then(errors.InteractionRequired())
    with pytest.raises(errors.InteractionRequired):
        living.process().renewed(living.session(), CLAIMS, living.deadline())
    living.app.clock.advance(3600)
    renewed = living.process().fresh(living.session(), living.deadline())
    assert renewed.challenge == living.session().challenge == Challenge(CLAIMS, blocking=False)


def test_a_new_token_that_graph_rejects_too_is_not_tried_again(living: Table) -> None:
    process = living.process()
    for claims in (CLAIMS, None):
        session = process.renewed(living.session(), claims, living.deadline())
        wanted = process.challenged(session, claims, living.deadline())
        assert wanted.claims == claims
        grants = living.grants.count
        for _ in range(5):
            with pytest.raises(errors.InteractionRequired):
                process.renewed(living.session(), claims, living.deadline())
        assert living.grants.count == grants


def test_new_tokens_leave_nothing_for_which_entra_gave_none(living: Table) -> None:
    sessions, session = living.app.services.sessions, living.session()
    blocked = sessions.set_challenge(session, Challenge(CLAIMS, blocking=True), living.deadline())
    sessions.set_tokens(blocked, living.tokens("new"), living.deadline())
    assert living.session().challenge is None


def test_a_rejection_without_claims_is_forgotten_with_the_next_token(living: Table) -> None:
    process = living.process()
    process.challenged(living.session(), None, living.deadline())
    living.app.clock.advance(3600)
    session = process.fresh(living.session(), living.deadline())
    assert session.challenge is None
    assert process.renewed(session, None, living.deadline()).tokens.access_token.reveal() == "renewed-2"


def test_a_rejection_without_claims_for_which_entra_wants_the_person_blocks(living: Table) -> None:
    living.grants.then(errors.InteractionRequired(CLAIMS))
    with pytest.raises(errors.InteractionRequired):
        living.process().renewed(living.session(), None, living.deadline())
    found = living.app.services.sessions.find([living.value], living.deadline())
    assert found is not None
    assert found.challenge == Challenge(CLAIMS, blocking=True)


def test_a_challenge_never_takes_the_place_of_tokens_that_somebody_is_getting(living: Table) -> None:
    living.lease("1.other")
    wanted = living.process().challenged(living.session(), CLAIMS, living.deadline())
    assert wanted.claims == CLAIMS
    assert (living.stored["generation"], living.session().challenge) == (1, None)
    stale = living.session()
    living.app.services.sessions.set_tokens(living.session(), living.tokens("newer"), living.deadline())
    living.process().challenged(stale, CLAIMS, living.deadline())
    assert living.access_token == "newer"
    assert living.session().challenge is None


@pytest.mark.parametrize(
    "fault",
    [store.UNAVAILABLE, store.CHANGED, store.GONE, store.UNKNOWN_BEFORE],
    ids=lambda fault: fault.raises.__name__,
)
def test_a_challenge_of_graphs_that_cannot_be_kept_is_answered_all_the_same(living: Table, fault: Fault) -> None:
    living.app.store.script("merge", fault)
    assert living.process().challenged(living.session(), CLAIMS, living.deadline()).claims == CLAIMS


def test_a_challenge_of_entras_that_cannot_be_kept_is_answered_all_the_same(table: Table) -> None:
    table.app.store.script("merge", None, *[store.UNAVAILABLE] * 50)
    refused(table)
    assert table.session().challenge is None


@pytest.mark.parametrize(
    "fault", [store.UNKNOWN_BEFORE, store.UNKNOWN_AFTER, store.CHANGED, store.CHANGED_AFTER, store.UNAVAILABLE]
)
def test_doubt_about_the_write_of_a_challenge_costs_no_second_grant(table: Table, fault: Fault) -> None:
    table.app.store.script("merge", None, fault)
    refused(table)
    with pytest.raises(errors.InteractionRequired):
        table.session()
    assert table.grants.count == 1


def test_tokens_that_another_got_meanwhile_count_more_than_our_challenge(table: Table) -> None:
    def taken_over() -> None:
        table.app.services.sessions.set_tokens(table.session(), table.tokens("of another"), table.deadline())
        raise errors.InteractionRequired

    table.grants.then(taken_over)
    assert table.process().fresh(table.session(), table.deadline()).tokens.access_token.reveal() == "of another"
    assert table.session().challenge is None


def test_signing_out_while_entra_wants_the_person_is_never_undone(table: Table) -> None:
    def sign_out() -> None:
        table.sign_out()
        raise errors.InteractionRequired

    table.grants.then(sign_out)
    with pytest.raises(errors.NotSignedIn):
        table.process().fresh(table.session(), table.deadline())
    assert table.app.store.session_rows() == []


def test_without_a_refresh_token_graphs_claims_go_straight_to_the_person(living: Table) -> None:
    living.sign_out()
    living.value = living.app.sign_in(None, build.tokens(living.app.clock, refresh=None))
    for _ in range(3):
        with pytest.raises(errors.InteractionRequired) as wanted:
            living.process().renewed(living.session(), CLAIMS, living.deadline())
        assert wanted.value.claims == CLAIMS
    assert living.session().challenge == Challenge(CLAIMS, blocking=False)
    assert living.grants.count == 0


def test_claims_that_do_not_fit_beside_the_tokens_are_answered_all_the_same(table: Table, living: Table) -> None:
    refused(table, "x" * 62 * 1024)
    wanted = living.process().challenged(living.session(), "x" * 62 * 1024, living.deadline())
    assert isinstance(wanted, errors.InteractionRequired)
