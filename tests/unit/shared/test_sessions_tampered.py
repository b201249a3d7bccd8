"""Rows that somebody else has written to: each means signed out, and none an error of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared import errors
from shared.clock import day
from shared.keyring import Keyring
from shared.sealing import Unsealable, unseal
from shared.secret import Secret
from shared.session_rows import partition_key, row_key
from shared.sessions import Sessions
from shared.token_store import Row, Value
from shared.wrapping import LocalKey
from tests.fakes import build
from tests.fakes.build import World
from tests.fakes.clock import START
from tests.fakes.entra import TENANT

WEEK = 604800


def signed_in(app: World, value: str) -> bool:
    try:
        app.session(value)
    except errors.NotSignedIn:
        return False
    return True


def test_any_flipped_bit_of_a_sealed_property_or_key_id_means_signed_out() -> None:
    app = build.world()
    value = app.sign_in()
    (row,) = app.store.session_rows()
    changed = 0
    for name, whole in row.properties.items():
        if name in ("sealed", "key_id"):
            data = whole if isinstance(whole, bytes) else str(whole).encode()
            for position in range(len(data)):
                flipped = data[:position] + bytes([data[position] ^ 1 << position % 7]) + data[position + 1 :]
                app.store.change(row, **{name: flipped if isinstance(whole, bytes) else flipped.decode()})
                app.clock.advance(31 if name == "key_id" else 0)  # until an unknown key is looked for again
                assert not signed_in(app, value), f"{name}[{position}]"
                changed += 1
            app.store.change(row, **{name: whole})
    assert changed > 300
    assert signed_in(app, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sealed", b""),
        ("sealed", b"\x01"),
        ("sealed", "text"),
        ("sealed", 1),
        ("key_id", ""),
        ("key_id", 1),
        ("key_id", b"\xff"),
        ("generation", "x"),
        ("seen", "x"),
        ("created", b"\xff"),
        ("expires", ""),
    ],
)
def test_a_property_of_the_wrong_kind_means_signed_out_and_never_an_error_of_ours(name: str, value: Value) -> None:
    app = build.world()
    cookie = app.sign_in()
    (row,) = app.store.session_rows()
    app.store.change(row, **{name: value})
    assert not signed_in(app, cookie)


@pytest.mark.parametrize("name", ["sealed", "key_id", "generation", "seen", "created", "expires"])
def test_a_property_that_is_missing_means_signed_out(name: str) -> None:
    app = build.world()
    value = app.sign_in()
    (row,) = app.store.session_rows()
    rest = {known: kept for known, kept in row.properties.items() if known != name}
    app.store.rows["sessions", row.partition, row.key] = Row(row.partition, row.key, rest, row.etag)
    assert not signed_in(app, value)


def test_a_row_cannot_be_put_in_the_place_of_another() -> None:
    app = build.world()
    mine, theirs = app.sign_in(), app.sign_in(build.identity(object_id=TENANT))
    places = {row.key: row for row in app.store.session_rows()}
    a, b = (places[row_key(value.partition(".")[2])] for value in (mine, theirs))
    app.store.change(a, **b.properties)
    assert not signed_in(app, mine)
    app.store.rows["sessions", a.partition, a.key] = replace(b, partition=a.partition, key=a.key)
    assert not signed_in(app, mine)
    assert signed_in(app, theirs)


def test_a_row_that_was_moved_to_another_day_does_not_live_longer() -> None:
    app = build.world()
    expiry, secret = app.sign_in().split(".")
    (row,) = app.store.session_rows()
    later = day(START + WEEK + 86400)
    moved = replace(row, partition=partition_key(later, secret))
    app.store.rows["sessions", moved.partition, moved.key] = moved
    assert not signed_in(app, f"{later}.{secret}")
    assert signed_in(app, f"{expiry}.{secret}")


def test_under_another_sealing_key_everybody_is_signed_out_without_an_error() -> None:
    app = build.world()
    value = app.sign_in()
    changed = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    ring = Keyring(app.store, LocalKey(Secret(changed)), app.clock)
    with pytest.raises(errors.NotSignedIn):
        Sessions(app.store, app.services.index, ring, app.config, app.clock).open([value], app.deadline())


def test_what_is_sealed_for_a_session_opens_for_it_and_its_purpose_alone() -> None:
    app = build.world()
    sessions, mine, theirs = app.services.sessions, app.session(app.sign_in()), app.session(app.sign_in())
    sealed = sessions.seal_for(mine, "cursor", b"link", app.deadline())
    assert sessions.unseal_for(mine, "cursor", sealed, app.deadline()) == b"link"
    row = next(row for row in app.store.session_rows() if row.key == mine.row.key)
    payload = row.properties["sealed"]
    assert isinstance(payload, bytes)
    flipped = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for session, purpose, value in [
        (theirs, "cursor", sealed),
        (mine, "other", sealed),
        (mine, "session", payload),
        *((mine, "cursor", value) for value in (b"", b"\0", b"\xff", sealed[:-1], sealed + b"\0", *flipped)),
    ]:
        with pytest.raises(errors.InvalidCursor):
            sessions.unseal_for(session, purpose, value, app.deadline())


def test_a_refresh_does_not_change_what_was_sealed_for_the_session() -> None:
    app = build.world()
    sessions, session = app.services.sessions, app.session(app.sign_in())
    sealed = sessions.seal_for(session, "cursor", b"link", app.deadline())
    renewed = sessions.set_tokens(session, build.tokens(app.clock, access="new"), app.deadline())
    assert renewed.tokens.access_token.reveal() == Secret("new").reveal()
    assert sessions.unseal_for(renewed, "cursor", sealed, app.deadline()) == b"link"


def test_table_and_keys_together_open_no_session_and_its_cookie_does() -> None:
    app = build.world()
    value = app.sign_in()
    (row,) = app.store.session_rows()
    sealed, key_id = row.properties["sealed"], str(row.properties["key_id"])
    assert isinstance(sealed, bytes)
    data_key = Keyring(app.store, LocalKey(Secret(build.SEALING_KEY)), app.clock).find(key_id, app.deadline())
    assert data_key is not None, "the vault gave the key to whoever has everything of the server's"
    place = f"{row.partition}/{row.key}"
    known = [str(value) for value in row.properties.values()] + [row.partition, row.key, place, data_key.id, ""]
    for salt in [*(text.encode() for text in known), data_key.key, bytes(32)]:
        with pytest.raises(Unsealable):
            unseal(data_key, salt, "session", place, sealed)
    assert unseal(data_key, value.partition(".")[2].encode(), "session", place, sealed)
