"""The index of sessions: which rows it has, in what order they come and go, and what they show."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from shared import errors
from shared.keyring import Keyring
from shared.session_index import SessionIndex, number, sid_pk, user_pk
from shared.session_rows import row_key
from shared.token_store import Row
from tests.fakes import build, store
from tests.fakes.build import World
from tests.fakes.entra import PERSON, TENANT
from tests.fakes.vault import FakeVault

ADA = f"user.{TENANT}.{PERSON}"
AT_ENTRA = "sid.sid-of-ada"


def places(app: World) -> list[tuple[str, str]]:
    """The keys of all rows of the index."""
    return sorted(place[1:] for place in app.store.rows if place[0] == "sessionindex")


def writes(app: World) -> list[tuple[str, str, str]]:
    """What was written, in order."""
    return [(call.operation, call.table, call.partition) for call in app.store.calls if call.operation != "read"]


def test_a_session_is_indexed_by_its_person_and_by_its_sid_before_it_begins_and_until_after_it_has_ended() -> None:
    app = build.world()
    value = app.sign_in()
    (row,) = app.store.session_rows()
    name = number(row.key)
    assert places(app) == [(AT_ENTRA, name), (ADA, name)]
    assert (row.properties["user_pk"], row.properties["sid_pk"], row.properties["number"]) == (ADA, AT_ENTRA, name)
    assert writes(app) == [
        ("insert", "sessionindex", ADA),
        ("insert", "sessionindex", AT_ENTRA),
        ("insert", "sessions", row.partition),
    ]
    app.store.calls.clear()
    app.services.sessions.end(app.services.sessions.keys([value]), app.deadline())
    assert writes(app) == [
        ("delete", "sessions", row.partition),
        ("delete", "sessionindex", ADA),
        ("delete", "sessionindex", AT_ENTRA),
    ]
    assert places(app) == []


def test_an_entry_says_where_the_session_is_and_on_which_device_it_began() -> None:
    app = build.world()
    app.services.sessions.start(build.identity(), build.tokens(app.clock), "Firefox on Linux", app.deadline())
    (row,) = app.store.session_rows()
    (entry,) = app.services.index.of_person(ADA, app.deadline())
    assert (entry.place, entry.device) == ((row.partition, row.key), "Firefox on Linux")
    assert (entry.created, entry.expires) == (row.properties["created"], row.properties["expires"])
    assert (entry.tenant_id, entry.user_pk) == (TENANT, f"user.{TENANT}.{PERSON}")
    (same,) = app.services.index.of_sid("sid-of-ada", app.deadline())
    assert same == replace(entry, device="")
    assert app.services.index.find(ADA, entry.number, app.deadline()) == entry


def test_the_index_shows_neither_cookie_nor_device_and_its_numbers_lead_nowhere() -> None:
    app = build.world()
    value = app.services.sessions.start(build.identity(), build.tokens(app.clock), "Firefox on Linux", app.deadline())
    secret = value.partition(".")[2]
    shown = b"".join(
        repr(row).encode() + b"".join(part for part in row.properties.values() if isinstance(part, bytes))
        for (table, _, _), row in app.store.rows.items()
        if table == "sessionindex"
    )
    for hidden in (secret, "Firefox", "Ada", "access-0", "refresh-0"):
        assert hidden.encode() not in shown
    name = number(row_key(secret))
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", name)
    assert name not in row_key(secret)


def test_a_label_that_was_moved_or_altered_is_empty_and_never_trouble() -> None:
    app = build.world()
    for device in ("Firefox on Linux", "Chrome on Windows"):
        app.services.sessions.start(build.identity(), build.tokens(app.clock), device, app.deadline())
    one, other = (row for (_, partition, _), row in app.store.rows.items() if partition == ADA)
    app.store.change(one, sealed=other.properties["sealed"])
    assert [entry.device for entry in app.services.index.of_person(ADA, app.deadline())].count("") == 1
    app.store.change(other, key_id="99999999")
    assert [entry.device for entry in app.services.index.of_person(ADA, app.deadline())] == ["", ""]


def test_labels_whose_key_is_not_to_be_had_leave_the_time_of_signing_out_everywhere_to_signing_out() -> None:
    app, vault = build.world(), FakeVault()
    for _ in range(5):
        app.sign_in()
    for (table, *_), row in list(app.store.rows.items()):
        if table == "keyring":
            app.store.change(row, wrapped_by=vault.name)
    vault.hangs_for = app.clock.advance
    index = SessionIndex(app.store, Keyring(app.store, vault, app.clock), app.clock)
    deadline = app.deadline(4.0)
    assert [entry.device for entry in index.of_person(ADA, deadline)] == [""] * 5
    assert deadline.remaining() >= 2.5


def test_the_person_is_tenant_and_object_id_whatever_they_are_called() -> None:
    ada = build.identity()
    assert user_pk(ada) == user_pk(build.identity(preferred_username="other@example.com", name="X", subject="other"))
    assert len({user_pk(ada), user_pk(build.identity(tenant_id="t")), user_pk(build.identity(object_id="o"))}) == 3


@pytest.mark.parametrize("sid", ["' or PartitionKey ge '", "a/b", "a\\b#?", "\x00\r\n", "x" * 65, "é", "a_b", "."])
def test_a_sid_of_another_form_becomes_a_hash_that_can_be_a_key(sid: str) -> None:
    assert re.fullmatch(r"sid\.[0-9a-f]{64}", sid_pk(sid))
    app = build.world()
    app.sign_in(build.identity(sid=sid))
    assert len(app.services.index.of_sid(sid, app.deadline())) == 1


def test_a_session_without_sid_has_no_row_for_it() -> None:
    app = build.world()
    value = app.sign_in(build.identity(sid=""))
    assert [partition for partition, _ in places(app)] == [ADA]
    app.services.sessions.end(app.services.sessions.keys([value]), app.deadline())
    assert places(app) == []


@pytest.mark.parametrize("lost", [1, 2])
def test_where_the_index_cannot_be_written_the_sign_in_fails_and_no_session_is_there(lost: int) -> None:
    app = build.world()
    app.store.script("insert", *[None] * (lost - 1), store.UNAVAILABLE)
    with pytest.raises(errors.StorageUnavailable):
        app.sign_in()
    assert app.store.session_rows() == []


def test_an_epoch_is_another_one_each_time_and_empty_before_the_first() -> None:
    app = build.world()
    index, seen = app.services.index, []
    for _ in range(3):
        seen.append(index.epoch(ADA, app.deadline()))
        index.new_epoch(ADA, app.deadline())
    assert seen[0] == ""
    assert len(set(seen)) == 3
    assert index.of_person(ADA, app.deadline()) == [], "an epoch is no session"
    assert index.find(ADA, "epoch", app.deadline()) is None


FAULTS = [
    ("insert", store.CHANGED),
    ("insert", store.CHANGED_AFTER),
    ("merge", store.CHANGED),
    ("merge", store.GONE),
    ("merge", store.UNKNOWN_BEFORE),
    ("merge", store.UNKNOWN_AFTER),
]


@pytest.mark.parametrize(("operation", "fault"), FAULTS)
def test_a_new_epoch_is_written_whatever_became_of_the_first_try(
    operation: store.Operation, fault: store.Fault
) -> None:
    app = build.world()
    if operation == "merge":
        app.services.index.new_epoch(ADA, app.deadline())
    before = app.services.index.epoch(ADA, app.deadline())
    app.store.script(operation, fault)
    app.services.index.new_epoch(ADA, app.deadline())
    assert app.services.index.epoch(ADA, app.deadline()) not in ("", before)


def test_of_two_who_sign_out_everywhere_at_once_each_changes_the_epoch_after_having_begun() -> None:
    app = build.world()
    app.services.index.new_epoch(ADA, app.deadline())
    during: list[str] = []

    def other() -> None:
        app.services.index.new_epoch(ADA, app.deadline())
        during.append(app.services.index.epoch(ADA, app.deadline()))

    app.store.script("merge", other)
    app.services.index.new_epoch(ADA, app.deadline())
    assert app.services.index.epoch(ADA, app.deadline()) not in ("", *during)


def test_a_row_of_an_earlier_release_without_index_columns_ends_without_a_fault() -> None:
    app = build.world()
    app.services.sessions.end_row(Row("f20260101", "key", {"generation": 1}), app.deadline())
    assert writes(app) == [("delete", "sessions", "f20260101")]
