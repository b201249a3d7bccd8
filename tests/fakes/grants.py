"""Entra's part of a refresh, as a function that counts and that a test can make fail or take its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from shared.clock import Clock, Deadline
from shared.secret import Secret
from shared.session_rows import Session, Tokens
from tests.fakes import build


class Grants:
    """Each grant gives the access token `renewed-<number>`. `then` queues what the next ones do first."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.redeemed: list[str] = []
        self.claims: list[str | None] = []
        """What was demanded of each."""
        self._steps: deque[Callable[[], object] | Exception] = deque()

    @property
    def count(self) -> int:
        return len(self.redeemed)

    def then(self, *steps: Callable[[], object] | Exception) -> None:
        """Something that happens while Entra is asked, or what is raised instead of an answer."""
        self._steps.extend(steps)

    def __call__(self, session: Session, deadline: Deadline, claims: str | None) -> Tokens:
        secret = session.tokens.refresh_token
        assert secret is not None
        self.redeemed.append(secret.reveal())
        self.claims.append(claims)
        number = self.count
        if self._steps:
            step = self._steps.popleft()
            if isinstance(step, Exception):
                raise step
            step()
        return replace(build.tokens(self.clock, access=f"renewed-{number}"), refresh_token=Secret(f"refresh-{number}"))
