"""Sessions while data keys come and go: sealed anew with each token, and never out of reach."""

from __future__ import annotations

import pytest

from shared.clock import Deadline
from shared.keyring import Keyring
from shared.refresh import Refresher
from shared.session_index import SessionIndex
from shared.sessions import Sessions
from shared.wrapping import LocalKey
from tests.fakes import build
from tests.fakes.build import World
from tests.fakes.grants import Grants

HOUR = 3600
PERIOD = 6 * HOUR


class Process:
    """A process whose data keys follow each other every six hours."""

    def __init__(self, app: World, **settings: str) -> None:
        config = build.config(**settings)
        assert config.sealing_key is not None
        self.app = app
        self.keyring = Keyring(app.store, LocalKey(config.sealing_key), app.clock, period=PERIOD)
        index = SessionIndex(app.store, self.keyring, app.clock)
        self.sessions = Sessions(app.store, index, self.keyring, config, app.clock)
        self.refresher = Refresher(
            self.sessions, app.clock, lambda deadline: None, Grants(app.clock), 64, pause=app.clock.advance
        )

    def deadline(self) -> Deadline:
        return self.app.deadline()

    def sign_in(self) -> str:
        return self.sessions.start(build.identity(), build.tokens(self.app.clock), "", self.deadline())

    def use(self, value: str) -> str:
        """Read mail as a request does; gives back the id of the key under which the session lies then."""
        session = self.sessions.open([value], self.deadline())
        session = self.refresher.fresh(session, self.deadline())
        self.sessions.touch(session, self.deadline())
        return str(session.row.properties["key_id"])


@pytest.fixture
def app() -> World:
    return build.world()


def test_rotation_signs_nobody_out_and_each_new_token_is_sealed_under_the_current_key(app: World) -> None:
    process = Process(app)
    busy, idle = process.sign_in(), process.sign_in()
    keys = []
    for hour in range(22):
        app.clock.advance(HOUR)
        keys.append(process.use(busy))
        if hour % 3 == 2:
            process.keyring.rotate_if_due(process.deadline())
            process.keyring.prune(process.deadline())
    assert keys == sorted(keys)
    assert len(set(keys)) >= 4
    first = process.sessions.open([idle], process.deadline()).row.properties["key_id"]
    assert str(first) <= keys[0], "its key was kept while it needed it"
    assert process.use(idle) == keys[-1]


def test_sessions_that_were_to_live_longer_all_at_once_keep_their_keys(app: World) -> None:
    short = Process(app, SESSION_MAX_AGE="86400")
    short.sign_in()
    longer = Process(app, SESSION_MAX_AGE="604800")
    value = longer.sign_in()
    for _ in range(7 * 2 - 1):
        app.clock.advance(12 * HOUR)
        longer.keyring.rotate_if_due(longer.deadline())
        longer.keyring.prune(longer.deadline())
        longer.use(value)


def test_a_process_that_was_started_later_opens_what_any_other_has_sealed(app: World) -> None:
    first = Process(app)
    value = first.sign_in()
    for _ in range(4):
        app.clock.advance(PERIOD - HOUR)
        assert Process(app).use(value)
        first.use(value)
