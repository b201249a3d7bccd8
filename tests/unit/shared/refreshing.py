"""What the tests of refresh share: one table, and as many processes over it as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.clock import Deadline
from shared.refresh import Refresher
from shared.session_rows import Session, Tokens
from tests.fakes import build
from tests.fakes.build import World
from tests.fakes.grants import Grants

THREADS = 64


@dataclass
class Table:
    """A table with one session, and the Entra that every process asks.

    Of the life of its access token so many seconds have passed: all of them where nothing is said.
    """

    life: int = 3600
    passed: int = 3600
    app: World = field(default_factory=build.world)

    def __post_init__(self) -> None:
        self.grants = Grants(self.app.clock)
        self.value = self.app.sign_in(None, build.tokens(self.app.clock, seconds=self.life))
        self.app.clock.advance(self.passed)

    def process(self, pause: Callable[[float], object] | None = None) -> Refresher:
        """One process of the app, in which waiting takes no time but that of the clock, or what the test says."""
        sessions, clock = self.app.services.sessions, self.app.clock
        return Refresher(sessions, clock, lambda deadline: None, self.grants, THREADS, pause=pause or clock.advance)

    def session(self) -> Session:
        """The session as a request reads it now."""
        return self.app.session(self.value)

    def deadline(self, seconds: float = 25.0) -> Deadline:
        return self.app.deadline(seconds)

    def tokens(self, access: str) -> Tokens:
        """What another process may have got from Entra."""
        return build.tokens(self.app.clock, access=access, refresh=f"refresh {access}")

    def sign_out(self) -> None:
        sessions = self.app.services.sessions
        sessions.end(sessions.keys([self.value]), self.deadline())

    def lease(self, lease_id: str) -> None:
        """Another process takes the lease, and is not heard of again."""
        self.app.services.sessions.set_lease(self.session(), lease_id, self.deadline())

    @property
    def stored(self) -> dict[str, object]:
        """What the session's row says."""
        (row,) = self.app.store.session_rows()
        return dict(row.properties)

    @property
    def access_token(self) -> str:
        """The access token in the row."""
        return self.session().tokens.access_token.reveal()
