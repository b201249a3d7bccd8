"""The explorer catches what it is there to catch: an app with one safeguard taken out, each by another class."""

from __future__ import annotations

import pytest

from tests.explorer import mutants
from tests.explorer.process import Parts
from tests.explorer.scenario import IN_USE, Scenario
from tests.explorer.scenarios import DAY
from tests.explorer.search import Found, explore
from tests.explorer.stage import Outcome


def caught(*operations: str, parts: Parts, **changes: object) -> Found:
    """What is found, by the shortest history."""
    found = explore(Scenario(operations, parts=parts, **changes)).found  # type: ignore[arg-type]
    assert found is not None, "nothing was caught"
    return found


def last(found: Found) -> str:
    """The step that broke the rule."""
    return f"{found.steps[-1].actor} {found.steps[-1].words}"


def test_explorer_catches_that_the_lease_is_taken_out() -> None:
    found = caught("use", "use", parts=Parts(sessions=mutants.Unleased))
    assert found.violation.rule == "each refresh token is redeemed once"
    assert sum("redeems refresh-0" in step.words for step in found.steps) == 2


def test_explorer_catches_that_the_generation_check_is_taken_out() -> None:
    found = caught("use", "use", parts=Parts(sessions=mutants.Generationless), faults=1)
    assert found.violation.rule == "each write of the payload is the next generation"
    assert sum("merges generation" in step.words for step in found.steps) == 2


@pytest.mark.parametrize(("age", "written"), [(4000.0, "lease_id"), (IN_USE, "seen")], ids=["refreshed", "touched"])
def test_explorer_catches_that_an_update_may_insert(age: float, written: str) -> None:
    found = caught("use", "sign_out", parts=Parts(store=mutants.Upserting), ages=(age,))
    assert found.violation.rule == "a deleted session stays deleted"
    assert f"A merges {written} into" in last(found)
    assert any("deletes the session" in step.words for step in found.steps)


def test_explorer_catches_that_an_update_goes_through_whatever_the_etag() -> None:
    found = caught("use", "use", parts=Parts(store=mutants.Unconditional))
    assert found.violation.found == "2 becomes 2"


def test_explorer_catches_that_an_unanswered_write_counts_as_not_made() -> None:
    found = caught("use", parts=Parts(sessions=mutants.Credulous), faults=1)
    assert found.violation.rule == "no token is lost"
    assert found.steps[-1].outcome is Outcome.LOST


def test_explorer_catches_that_a_dead_grant_ends_what_another_has_renewed() -> None:
    parts = Parts(sessions=mutants.Ruthless)
    found = caught("use", "use_twice", parts=parts, faults=1, outcomes=frozenset(), stalls=16.0, one_use=True)
    assert found.violation.rule == "no session ends unless somebody ends it"
    assert "A deletes the session" in last(found)


def test_explorer_catches_that_a_sign_in_does_not_look_at_the_epoch() -> None:
    found = caught("sign_in", "everywhere", parts=Parts(index=mutants.Epochless))
    assert found.violation.rule == "signing out everywhere leaves no session of before"


def test_explorer_catches_that_a_session_is_there_before_its_index_rows() -> None:
    found = caught("sign_in", parts=Parts(index=mutants.Unentered))
    assert found.violation.rule == "every session is in the index"


def test_explorer_catches_that_the_second_first_key_replaces_the_first() -> None:
    found = caught("cold_sign_in", "cold_sign_in", parts=Parts(store=mutants.Overwriting), ages=())
    assert found.violation.rule == "no session ends unless somebody ends it"


def test_explorer_catches_that_a_data_key_is_not_kept_for_what_it_seals() -> None:
    found = caught("cold_sign_in", parts=Parts(store=mutants.Unprolonged), ages=(5 * DAY,), key_age=29 * DAY)
    assert found.violation.rule == "every data key is kept as long as it is needed"


def test_a_history_can_be_read() -> None:
    assert str(caught("use", "sign_out", parts=Parts(store=mutants.Upserting), ages=(IN_USE,))).splitlines() == [
        "a deleted session stays deleted: A writes it again",
        "A does use, B does sign_out",
        "   0.0 s  B  reads the session of before: generation 1",
        "   0.0 s  B  reads the session of before: generation 1",
        "   0.0 s  A  reads the session of before: generation 1",
        "   0.0 s  B  deletes the session of before",
        "   0.0 s  B  deletes the index row of the person",
        "   0.0 s  B  deletes the index row of sid.sid-0",
        "   0.0 s  A  merges seen into the session of before",
    ]
