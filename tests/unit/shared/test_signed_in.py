"""One person's sessions: which are listed, which end, and that no sign-in under way outlives signing out everywhere."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from shared import errors
from shared.session_index import number, sid_pk, user_pk
from shared.session_rows import Identity, row_key
from shared.signed_in import MOST
from tests.fakes import build, store
from tests.fakes.build import World
from tests.fakes.store import Operation
from tests.unit.shared.refreshing import Table

HOUR, DAY = 3600, 86400


def begin(app: World, device: str = "", who: Identity | None = None) -> str:
    """A new session, as the callback begins it: with what is over the cap ended."""
    who = who or build.identity()
    value = app.services.sessions.start(who, build.tokens(app.clock), device, app.deadline())
    (own,) = app.services.sessions.keys([value])
    app.services.signed_in.keep_to_cap(who, own, app.deadline())
    return value


def number_of(value: str) -> str:
    return number(row_key(value.partition(".")[2]))


def alive(app: World, *values: str) -> list[bool]:
    return [app.services.sessions.find([value], app.deadline()) is not None for value in values]


def listed(app: World, value: str) -> list[tuple[str, str, int, int, bool]]:
    """What the list says of each session: number, device, when it began and was last used, whether it is this one."""
    found = app.services.signed_in.listed(app.session(value), app.deadline())
    return [(one.number, one.device, one.created, one.last_seen, one.current) for one in found]


def indexed_as_it_should_be(app: World) -> None:
    """Every session's row has its two rows in the index, and the index has no other ones."""
    index = {place[1:] for place in app.store.rows if place[0] == "sessionindex" and place[2] != "epoch"}
    expected = set()
    for row in app.store.session_rows():
        name = str(row.properties["number"])
        expected |= {(str(row.properties["user_pk"]), name), (str(row.properties["sid_pk"]), name)}
    assert index == expected


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "drawbridge"]
    return [line for line in lines if line["event"] == name]


def test_the_list_is_newest_first_with_what_a_person_can_tell_sessions_apart_by() -> None:
    app = build.world()
    start = int(app.clock.now())
    first = begin(app, "Firefox on Linux")
    app.clock.advance(HOUR)
    second = begin(app, "Safari on iPhone")
    app.clock.advance(HOUR)
    app.services.sessions.touch(app.session(first), app.deadline())
    assert listed(app, first) == [
        (number_of(second), "Safari on iPhone", start + HOUR, start + HOUR, False),
        (number_of(first), "Firefox on Linux", start, start + 2 * HOUR, True),
    ]
    assert [one[4] for one in listed(app, second)] == [True, False]


def test_what_has_ended_expired_or_was_idle_for_too_long_is_not_listed() -> None:
    app = build.world()
    ended, idle, used = begin(app), begin(app), begin(app)
    app.services.sessions.end(app.services.sessions.keys([ended]), app.deadline())
    app.clock.advance(DAY - 1)
    app.services.sessions.touch(app.session(used), app.deadline())
    assert {one[0] for one in listed(app, used)} == {number_of(idle), number_of(used)}
    app.clock.advance(1)
    assert [one[0] for one in listed(app, used)] == [number_of(used)]


def test_a_list_shows_a_session_whose_label_cannot_be_read_as_an_unknown_device() -> None:
    app = build.world()
    value = begin(app, "Firefox on Linux")
    entry = next(row for place, row in app.store.rows.items() if place[1] == user_pk(build.identity()))
    app.store.change(entry, sealed=b"")
    assert [one[1] for one in listed(app, value)] == ["Unknown device"]


def test_identity_is_tenant_and_object_id() -> None:
    app = build.world()
    same_name = [build.identity(tenant_id=tenant, object_id=person) for tenant in "tu" for person in "op"]
    values = [begin(app, who=who) for who in same_name]
    for value in values:
        assert [one[0] for one in listed(app, value)] == [number_of(value)]
    app.services.signed_in.end_all(app.session(values[0]), app.deadline())
    assert alive(app, *values) == [False, True, True, True]


def test_one_session_is_ended_by_its_number_and_no_other() -> None:
    app = build.world()
    here, there, elsewhere = begin(app), begin(app), begin(app)
    assert app.services.signed_in.end_one(app.session(here), number_of(there), app.deadline())
    assert alive(app, here, there, elsewhere) == [True, False, True]
    assert not app.services.signed_in.end_one(app.session(here), number_of(there), app.deadline())
    indexed_as_it_should_be(app)


def test_a_number_of_somebody_elses_session_ends_nothing() -> None:
    app = build.world()
    mine, theirs = begin(app), begin(app, who=build.identity(object_id="other"))
    for name in (number_of(theirs), "epoch", "", "x" * 22, "../" + "x" * 19, "' or 1 eq 1 or '"):
        assert not app.services.signed_in.end_one(app.session(mine), name, app.deadline())
    assert alive(app, mine, theirs) == [True, True]


def test_signing_out_everywhere_ends_every_session_of_the_person_and_of_nobody_else() -> None:
    app = build.world()
    values = [app.sign_in() for _ in range(50)]
    other = begin(app, who=build.identity(object_id="other"))
    assert app.services.signed_in.end_all(app.session(values[7]), app.deadline()) == 50
    assert not any(alive(app, *values))
    assert alive(app, other) == [True]
    indexed_as_it_should_be(app)


STEPS: list[tuple[Operation, int]] = [("insert", 0), ("insert", 1), ("insert", 2), ("read", 1)]
"""Each call that a sign-in makes to the table after it has read the epoch, as the how many-th of its kind."""


@pytest.mark.parametrize(("operation", "before"), STEPS)
def test_a_sign_in_under_way_when_the_person_signs_out_everywhere_fails(operation: Operation, before: int) -> None:
    app = build.world()
    here = begin(app)
    session = app.session(here)
    app.store.script(operation, *[None] * before, lambda: app.services.signed_in.end_all(session, app.deadline()))
    with pytest.raises(errors.SignInRefused) as refused:
        begin(app)
    assert "everywhere" in (refused.value.detail or "")
    assert app.store.session_rows() == []
    indexed_as_it_should_be(app)
    assert alive(app, begin(app)) == [True], "the next sign-in works"


def test_a_sign_in_that_began_after_the_new_epoch_stays_and_in_the_index_although_the_list_was_made_while_it_ran() -> (
    None
):
    app = build.world()
    session = app.session(begin(app))
    epoch_written, list_it = Event(), Event()

    def pause() -> None:
        epoch_written.set()
        assert list_it.wait(10)

    with ThreadPoolExecutor(1) as pool:
        app.store.script("partition", pause)
        everywhere = pool.submit(app.services.signed_in.end_all, session, app.deadline())
        assert epoch_written.wait(10)

        def list_and_end() -> None:
            list_it.set()
            everywhere.result(10)

        app.store.script("insert", None, None, list_and_end)
        value = app.sign_in()
    assert everywhere.result() == 1
    assert alive(app, value) == [True]
    assert len(app.store.session_rows()) == 1
    indexed_as_it_should_be(app)


@pytest.mark.parametrize("step", [0, 1], ids=["before the lease", "before the new tokens"])
def test_a_refresh_under_way_when_the_person_signs_out_everywhere_brings_nothing_back(step: int) -> None:
    table = Table()
    app, session = table.app, table.session()
    other = app.session(begin(app))
    app.store.script("merge", *[None] * step, lambda: app.services.signed_in.end_all(other, app.deadline()))
    with pytest.raises(errors.NotSignedIn):
        table.process().fresh(session, table.deadline())
    assert app.store.session_rows() == []
    indexed_as_it_should_be(app)


@pytest.mark.parametrize("operation", ["read", "partition", "merge", "delete"])
def test_where_storage_fails_half_way_the_session_that_asked_is_still_there_to_ask_again(operation: Operation) -> None:
    app = build.world()
    app.services.index.new_epoch(user_pk(build.identity()), app.deadline())
    values = [begin(app) for _ in range(5)]
    session = app.session(values[0])
    app.store.script(operation, *[None] * (3 if operation == "delete" else 0), store.UNAVAILABLE)
    with pytest.raises(errors.StorageUnavailable):
        app.services.signed_in.end_all(session, app.deadline())
    assert alive(app, values[0]) == [True]
    app.services.signed_in.end_all(session, app.deadline())
    assert not any(alive(app, *values))


def test_sessions_per_person_are_capped_and_the_oldest_goes(caplog: pytest.LogCaptureFixture) -> None:
    app = build.world()
    values = []
    with caplog.at_level(logging.INFO, "drawbridge"):
        for _ in range(60):
            values.append(begin(app))
            app.clock.advance(1)
    assert alive(app, *values) == [False] * 40 + [True] * MOST
    assert len(app.store.session_rows()) == MOST
    ended = events(caplog, "session_ended")
    assert len(ended) == 40
    assert {(line["reason"], line["person"]) for line in ended} == {("cap", build.identity().object_id)}
    indexed_as_it_should_be(app)


def test_of_many_sessions_of_one_second_the_one_just_begun_stays() -> None:
    app = build.world()
    for _ in range(MOST + 10):
        assert alive(app, begin(app)) == [True]
    assert len(app.store.session_rows()) == MOST


def test_a_machine_whose_clock_is_five_minutes_slow_does_not_end_the_session_that_it_begins() -> None:
    app = build.world()
    for _ in range(MOST):
        begin(app)
    app.clock.advance(-300)
    value = begin(app)
    assert alive(app, value) == [True]
    assert len(app.store.session_rows()) == MOST


def test_over_the_cap_what_is_dead_goes_before_what_lives() -> None:
    app = build.world()
    used = begin(app)
    app.clock.advance(1)
    for _ in range(MOST - 1):
        begin(app)
    app.clock.advance(DAY - 2)
    app.services.sessions.touch(app.session(used), app.deadline())
    app.clock.advance(2)
    new = begin(app)
    assert alive(app, used, new) == [True, True]
    assert len(app.store.session_rows()) == MOST


def test_what_entra_calls_one_session_ends_together_and_nothing_else_does() -> None:
    app = build.world()
    values = [begin(app, who=build.identity(sid=sid)) for sid in ("a", "a", "b", "")]
    assert app.services.signed_in.end_sid("a", None, app.deadline()) == 2
    assert alive(app, *values) == [False, False, True, True]
    assert app.services.signed_in.end_sid("a", None, app.deadline()) == 0


def test_a_sid_that_is_said_to_be_another_tenants_ends_nothing() -> None:
    app = build.world()
    value = begin(app)
    assert app.services.signed_in.end_sid("sid-of-ada", "other-tenant", app.deadline()) == 0
    assert alive(app, value) == [True]
    assert app.services.signed_in.end_sid("sid-of-ada", build.identity().tenant_id, app.deadline()) == 1


def test_a_sign_in_under_way_stays_in_the_index_whoever_ends_sessions_meanwhile() -> None:
    """Its index rows are there, its own row is not: who ends sessions must not make it one that nobody can find."""
    app = build.world()
    here = app.session(begin(app))

    def end_what_is_there() -> None:
        (under_way,) = [
            entry
            for entry in app.services.index.of_person(user_pk(here.identity), app.deadline())
            if entry.number != number(here.row.key)
        ]
        assert not app.services.signed_in.end_one(here, under_way.number, app.deadline())
        assert app.services.signed_in.end_sid("sid-of-ada", None, app.deadline()) == 1

    app.store.script("insert", None, None, end_what_is_there)
    value = app.sign_in()
    assert alive(app, value) == [True]
    name = number_of(value)
    assert {("sessionindex", user_pk(here.identity), name), ("sessionindex", sid_pk("sid-of-ada"), name)} <= set(
        app.store.rows
    )
