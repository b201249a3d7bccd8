"""Usable access tokens for requests: who of them renews a session's tokens, who waits for that, and who need not.

Between processes the lease of renewal.py lets one at it; within a process one request speaks for all.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable

from shared import errors, log
from shared.clock import Clock, Deadline
from shared.flights import Flights, Recent
from shared.renewal import POLL_SECONDS, WAIT_SECONDS, WRITE_SECONDS, Grant, Renewal, refuse_challenged
from shared.session_rows import Challenge, Session
from shared.sessions import Sessions

EARLY_SECONDS = 600
REST_SECONDS = 60.0
"""After an early refresh failed, the session's token is left alone so long, unless it expires."""


class Refresher:
    """Keeps sessions' access tokens usable. `prepare` fetches what a grant needs before a lease is taken.

    `threads` is the size of the pool that requests run in. `new_id` makes the random part of a lease's id; `pause`
    waits, in seconds, between two looks at a lease of others.

    Methods raise errors.NotSignedIn, InteractionRequired, EntraUnavailable, EntraBadAnswer, AppRegistrationRefused,
    SessionBusy, StorageUnavailable, KeysUnavailable, SessionTooLarge.
    """

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        prepare: Callable[[Deadline], None],
        grant: Grant,
        threads: int,
        *,
        new_id: Callable[[], str] = secrets.token_urlsafe,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._pause = pause or threading.Event().wait
        self._renewal = Renewal(sessions, clock, prepare, grant, new_id, self._pause)
        self._flights = Flights[Session](threads)
        self._resting = Recent[float]()

    def fresh(self, session: Session, deadline: Deadline) -> Session:
        """The session with an access token that has not expired.

        In the last part of its life one request renews it, and the others go on with it; when it has expired they wait.
        """
        tokens = session.tokens
        left = tokens.expires - self._clock.now()
        if left <= 0:
            return self._shared(session, None, deadline)
        span = min(EARLY_SECONDS, (tokens.expires - tokens.issued) // 5)
        if left > span or tokens.refresh_token is None or left > span * _early_point(session):
            return session
        session = self._early(session, deadline)
        return self._shared(session, None, deadline) if self._expired(session) else session

    def renewed(self, session: Session, claims: str | None, deadline: Deadline) -> Session:
        """The session with another access token, since Graph rejected the one it has and, maybe, demanded claims.

        Where Entra gives none for these claims without the person, this is kept, and not asked again.
        """
        demand = Challenge(claims or "", blocking=False)
        refuse_challenged(session, demand)
        return self._shared(session, demand, deadline)

    def challenged(self, session: Session, claims: str | None, deadline: Deadline) -> errors.InteractionRequired:
        """What to raise where Graph rejects a new token too: only the person can help. That is kept in the row."""
        try:
            # While somebody redeems the refresh token, the next generation is for the tokens that he gets.
            if not session.leased:
                challenge = Challenge(claims or "", blocking=False)
                self._sessions.set_challenge(session, challenge, deadline.within(WRITE_SECONDS))
        except (errors.StoreSignal, errors.StorageUnavailable, errors.KeysUnavailable, errors.SessionTooLarge):
            log.event("challenge_not_kept")
        return errors.InteractionRequired(claims)

    def _shared(self, session: Session, demand: Challenge | None, deadline: Deadline) -> Session:
        wait = min(WAIT_SECONDS, deadline.remaining())
        return self._flights.join(_flight(session, demand), lambda: self._awaited(session, demand, deadline), wait)

    def _early(self, session: Session, deadline: Deadline) -> Session:
        name = session.row.key
        if self._clock.monotonic() < (self._resting.get(name) or 0.0):
            return session
        try:
            flight = _flight(session, None) + "early"
            return self._flights.join(flight, lambda: self._renewal.tried(session, None, deadline), 0.0)
        except errors.NotSignedIn:
            raise
        except errors.DrawbridgeError as problem:
            if self._expired(session):
                raise
            if not isinstance(problem, errors.SessionBusy):
                self._resting.put(name, self._clock.monotonic() + REST_SECONDS)
                log.event("early_refresh_failed", code=problem.code)
            return session

    def _awaited(self, session: Session, demand: Challenge | None, deadline: Deadline) -> Session:
        """Renew the tokens, or wait for whoever does."""
        generation = session.generation
        waited = deadline.within(WAIT_SECONDS)
        while session.generation == generation and (demand or self._expired(session)):
            if session.tokens.refresh_token is None:
                return self._without_grant(session, demand, deadline)
            session = self._renewal.tried(session, demand, deadline)
            if session.generation == generation:
                if waited.remaining() <= 0:
                    raise errors.SessionBusy(retry_after=2)
                self._pause(POLL_SECONDS)
                session = self._sessions.reread(session, deadline)
        refuse_challenged(session, demand)
        return session

    def _without_grant(self, session: Session, demand: Challenge | None, deadline: Deadline) -> Session:
        if demand and demand.claims:
            raise self.challenged(session, demand.claims, deadline)
        self._sessions.end_row(session.row, deadline, "no_grant")
        raise errors.NotSignedIn

    def _expired(self, session: Session) -> bool:
        return session.tokens.expires <= self._clock.now()


def _flight(session: Session, demand: Challenge | None) -> str:
    """Names what a request needs: another access token than this generation's, with these claims."""
    return f"{session.row.key} {session.generation} {demand.claims if demand else ''}"


def _early_point(session: Session) -> float:
    """From 0.5 to 1: another for each session and generation, and the same in every process."""
    digest = hashlib.sha256(f"{session.row.key} {session.generation}".encode()).digest()
    return 0.5 + int.from_bytes(digest[:4]) / 2**33
