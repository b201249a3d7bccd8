"""The life of a session on a clock that the test moves, over a table that the test may alter."""

from __future__ import annotations

import pytest

from shared import errors
from shared.clock import day
from shared.config import Config
from shared.keyring import Keyring
from shared.session_index import SessionIndex
from shared.session_rows import MAX_SEALED_BYTES, partition_key, row_key
from shared.sessions import Sessions
from shared.wrapping import LocalKey
from tests.fakes import build, store
from tests.fakes.build import World
from tests.fakes.clock import START
from tests.fakes.entra import PERSON, TENANT
from tests.support.at_once import at_once

WEEK = 604800
IDLE = 86400


def signed_in(app: World, value: str) -> bool:
    try:
        app.session(value)
    except errors.NotSignedIn:
        return False
    return True


def keep_busy(app: World, value: str, seconds: int) -> None:
    """Let time pass for somebody who uses the session every hour."""
    for _ in range(seconds // 3600):
        app.clock.advance(3600)
        app.services.sessions.touch(app.session(value), app.deadline())


def other(app: World, config: Config) -> Sessions:
    """The same table, read under other settings."""
    assert config.sealing_key is not None
    keyring = Keyring(app.store, LocalKey(config.sealing_key), app.clock)
    return Sessions(app.store, SessionIndex(app.store, keyring, app.clock), keyring, config, app.clock)


def test_a_session_gives_back_who_signed_in_and_their_tokens() -> None:
    app = build.world()
    who = build.identity(name="Zoë 𝒜 محمد", preferred_username="ada_mail#EXT#@contoso.example")
    issued = build.tokens(app.clock, access="access", refresh="refresh")
    session = app.session(app.sign_in(who, issued))
    assert session.identity == who
    assert session.tokens.access_token.reveal() == "access"
    assert session.tokens.refresh_token is not None
    assert session.tokens.refresh_token.reveal() == "refresh"
    assert (session.tokens.expires, session.tokens.scopes) == (issued.expires, issued.scopes)
    assert (session.generation, session.lease_id, session.expires) == (1, "", int(START) + WEEK)


def test_reading_a_session_costs_one_point_read_and_writes_nothing() -> None:
    app = build.world()
    value = app.sign_in()
    before = list(app.store.calls)
    app.session(value)
    assert [call.operation for call in app.store.calls[len(before) :]] == ["read"]


def test_the_table_shows_neither_the_cookie_nor_a_token_nor_a_name() -> None:
    app = build.world()
    value = app.sign_in()
    (row,) = app.store.session_rows()
    shown = repr(row).encode() + b"".join(part for part in row.properties.values() if isinstance(part, bytes))
    for secret in (value.partition(".")[2], "access-0", "refresh-0", "Ada", "contoso", "hint"):
        assert secret.encode() not in shown


def test_two_sign_ins_never_share_a_cookie_or_a_row() -> None:
    app = build.world()
    assert len({app.sign_in() for _ in range(50)}) == len(app.store.session_rows()) == 50


def test_the_cookie_names_the_day_of_absolute_expiry_and_the_partition_begins_with_a_shard_of_it() -> None:
    app = build.world()
    expiry, secret = app.sign_in().split(".")
    (row,) = app.store.session_rows()
    assert expiry == day(START + WEEK)
    assert row.partition == partition_key(expiry, secret)
    assert row.partition[1:] == expiry
    assert row.key == row_key(secret)
    assert secret not in row.key


def test_a_session_ends_at_its_absolute_age_however_busy_it_is() -> None:
    app = build.world()
    value = app.sign_in()
    keep_busy(app, value, WEEK - 3600)
    app.clock.advance(3599)
    assert signed_in(app, value)
    app.clock.advance(1)
    assert not signed_in(app, value)


def test_a_session_ends_when_it_was_idle_for_too_long() -> None:
    app = build.world()
    value = app.sign_in()
    app.clock.advance(IDLE - 1)
    assert signed_in(app, value)
    app.clock.advance(1)
    assert not signed_in(app, value)


def test_asking_who_is_signed_in_does_not_extend_the_idle_time() -> None:
    app = build.world()
    value = app.sign_in()
    for _ in range(23):
        app.clock.advance(3600)
        assert signed_in(app, value)
    app.clock.advance(3600)
    assert not signed_in(app, value)


def test_use_is_noted_at_most_once_in_a_twentieth_of_the_idle_time_out() -> None:
    app = build.world()
    value = app.sign_in()
    for _ in range(60):
        app.clock.advance(72)
        app.services.sessions.touch(app.session(value), app.deadline())
    assert app.store.count("merge") == 1
    (row,) = app.store.session_rows()
    assert row.properties["seen"] == START + IDLE // 20


def test_of_many_requests_that_find_it_due_at_once_one_notes_the_use() -> None:
    app = build.world()
    value, other = app.sign_in(), app.sign_in()
    app.clock.advance(IDLE // 2)
    session = app.session(value)
    at_once(16, lambda: app.services.sessions.touch(session, app.deadline()))
    assert app.store.count("merge") == 1
    app.services.sessions.touch(app.session(other), app.deadline())
    assert app.store.count("merge") == 2, "another session is another matter"


def test_a_note_of_use_that_failed_is_tried_again_after_some_seconds() -> None:
    app = build.world()
    value = app.sign_in()
    app.clock.advance(IDLE // 2)
    app.store.script("merge", store.CHANGED)
    for _ in range(20):
        app.services.sessions.touch(app.session(value), app.deadline())
        app.clock.advance(1)
    assert app.store.count("merge") == 2


def test_a_short_idle_time_out_still_notes_use_in_time() -> None:
    app = build.world(SESSION_IDLE_TIMEOUT="60")
    value = app.sign_in()
    for _ in range(10):
        app.clock.advance(31)
        app.services.sessions.touch(app.session(value), app.deadline())
    assert signed_in(app, value)


@pytest.mark.parametrize("fault", [store.CHANGED, store.GONE, store.UNKNOWN_BEFORE, store.UNAVAILABLE])
def test_a_failure_to_note_use_fails_no_request(fault: store.Fault) -> None:
    app = build.world()
    value = app.sign_in()
    app.clock.advance(IDLE // 2)
    app.store.script("merge", fault)
    app.services.sessions.touch(app.session(value), app.deadline())
    assert signed_in(app, value)


def test_noting_use_never_brings_back_a_session_that_was_signed_out() -> None:
    app = build.world()
    value = app.sign_in()
    app.clock.advance(IDLE // 2)
    session = app.session(value)
    app.services.sessions.end(app.services.sessions.keys([value]), app.deadline())
    app.services.sessions.touch(session, app.deadline())
    assert app.store.session_rows() == []


def test_without_a_refresh_token_the_session_ends_with_the_access_token() -> None:
    app = build.world()
    value = app.sign_in(None, build.tokens(app.clock, refresh=None, seconds=3600))
    assert value.startswith(day(START + 3600))
    app.clock.advance(3599)
    assert signed_in(app, value)
    app.clock.advance(1)
    assert not signed_in(app, value)


def test_a_tenant_that_is_no_longer_allowed_is_signed_out_at_the_next_request() -> None:
    app = build.world()
    value = app.sign_in()
    assert other(app, build.config(ENTRA_ALLOWED_TENANTS=TENANT)).open([value], app.deadline())
    with pytest.raises(errors.NotSignedIn):
        other(app, build.config(ENTRA_ALLOWED_TENANTS=PERSON)).open([value], app.deadline())


def test_tokens_too_large_for_a_row_are_refused_and_leave_no_row() -> None:
    app = build.world()
    with pytest.raises(errors.SessionTooLarge):
        app.sign_in(None, build.tokens(app.clock, access="x" * MAX_SEALED_BYTES))
    assert app.store.written == []
    value = app.sign_in(None, build.tokens(app.clock, access="x" * (MAX_SEALED_BYTES - 1000)))
    session = app.session(value)
    with pytest.raises(errors.SessionTooLarge):
        too_large = build.tokens(app.clock, access="x" * MAX_SEALED_BYTES)
        app.services.sessions.set_tokens(session, too_large, app.deadline())
    assert app.session(value).row == session.row


def test_a_signed_out_session_is_gone_at_once_and_ending_it_again_is_no_error() -> None:
    app = build.world()
    value, bystander = app.sign_in(), app.sign_in()
    for _ in range(2):
        app.services.sessions.end(app.services.sessions.keys([value]), app.deadline())
    assert not signed_in(app, value)
    assert signed_in(app, bystander)


def test_a_planted_cookie_in_front_of_ours_does_not_sign_us_out() -> None:
    app = build.world()
    value = app.sign_in()
    planted = value[:-1] + ("A" if value[-1] != "A" else "B")
    assert app.services.sessions.open([planted, value], app.deadline()).secret == value.partition(".")[2]


def odd_values() -> list[str]:
    """Cookie values that name no row which could be there."""
    secret = "s" * 43
    return [
        "",
        ".",
        secret,
        f".{secret}",
        f"{day(START)}{secret}",
        f"{day(START)}.{secret}s",
        f"{day(START)}.{secret[1:]}",
        f"{day(START)}.{secret[1:]}'",
        f"{day(START)}.{secret[2:]}/x",
        f"{day(START)}.{secret}\n",
        f"{day(START)}.{'ß' * 43}",
        f"2026010a.{secret}",
        f"٢٠٢٦٠١٠١.{secret}",
        f"{day(START - 86400)}.{secret}",
        f"{day(START + WEEK + 3 * 86400)}.{secret}",
        f"00000000.{secret}",
        f"99999999.{secret}",
    ]


def test_values_that_can_name_no_living_session_cost_no_storage_call() -> None:
    app = build.world()
    for value in odd_values():
        assert not signed_in(app, value)
        assert app.services.sessions.keys([value]) == []
    assert app.store.count() == 0


def test_a_well_formed_value_that_nobody_was_given_is_not_signed_in() -> None:
    app = build.world()
    app.sign_in()
    assert not signed_in(app, f"{day(START + WEEK)}.{'s' * 43}")


def test_a_session_survives_a_wall_clock_that_is_minutes_off_in_another_process() -> None:
    app = build.world()
    value = app.sign_in()
    for error in (-300, 600, -300):
        app.clock.jump(error)
        assert signed_in(app, value)


def test_a_table_that_does_not_answer_never_means_signed_out() -> None:
    app = build.world()
    value = app.sign_in()
    app.store.script("read", store.UNAVAILABLE, store.UNAVAILABLE)
    with pytest.raises(errors.StorageUnavailable):
        app.session(value)
    with pytest.raises(errors.StorageUnavailable):
        other(app, app.config).open([value, value], app.deadline())
    assert signed_in(app, value)


@pytest.mark.parametrize("fault", [store.CHANGED, store.UNAVAILABLE, store.UNAVAILABLE_AFTER])
def test_a_session_that_could_not_be_written_is_not_given_out(fault: store.Fault) -> None:
    app = build.world()
    app.store.script("insert", fault)
    with pytest.raises(errors.StorageUnavailable):
        app.sign_in()


@pytest.mark.parametrize("fault", [store.UNKNOWN_BEFORE, store.UNKNOWN_AFTER])
def test_a_session_whose_writing_is_in_doubt_begins_under_another_secret(fault: store.Fault) -> None:
    site = build.world()
    site.store.script("insert", None, None, fault)  # two rows of the index come first
    value = site.sign_in()
    site.session(value)
    written = {row.key for row in site.store.written if "sealed" in row.properties and "generation" in row.properties}
    assert len(written) == (2 if fault.applied else 1)


def test_a_session_in_doubt_that_somebody_has_ended_is_not_written_again() -> None:
    site = build.world()
    before: list[str] = []

    def ended() -> None:
        [row] = site.store.session_rows()
        before.append(row.key)
        site.services.sessions.end_row(row, site.deadline(), "front_channel")

    site.store.script("insert", None, None, store.UNKNOWN_AFTER, ended)
    site.sign_in()
    assert before
    assert before[0] not in {row.key for row in site.store.session_rows()}
