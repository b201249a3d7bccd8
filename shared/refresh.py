"""New tokens for a session whose access token has expired: one refresh grant, whoever asks at the same time.

A lease on the row says who is at it, and for which generation of tokens. A lease whose id has not changed for 15
seconds of our own clock belongs to a process that died, and is taken over. Tokens are written as the next generation
by an update that needs the row to be there, so that no order of events brings back a session that was signed out.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable

from shared import errors, log
from shared.clock import Clock, Deadline
from shared.session_rows import Session, Tokens
from shared.sessions import Sessions

LEASE_SECONDS = 15.0
WAIT_SECONDS = 8.0
GRANT_SECONDS = 7.0
WRITE_SECONDS = 4.0
_POLL_SECONDS = 0.1
_REMEMBERED = 4096

Grant = Callable[[Session, Deadline], Tokens]
"""Redeems a session's refresh token. Raises errors.NotSignedIn where the grant is dead."""


class Refresher:
    """Keeps sessions' access tokens usable. `prepare` fetches what a grant needs before a lease is taken.

    `new_id` makes the random part of a lease's id; `pause` waits, in seconds, between two looks at a lease of others.
    """

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        prepare: Callable[[Deadline], None],
        grant: Grant,
        *,
        new_id: Callable[[], str] = secrets.token_urlsafe,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._prepare = prepare
        self._grant = grant
        self._new_id = new_id
        self._pause = pause or threading.Event().wait
        self._leases: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def fresh(self, session: Session, deadline: Deadline, *, rejected: bool = False) -> Session:
        """The session with an access token that is not expired; `rejected` says that Graph refused the one it has.

        Raises errors.NotSignedIn, EntraUnavailable, EntraBadAnswer, AppRegistrationRefused, SessionBusy,
        StorageUnavailable, ConsentRequired.
        """
        generation = session.generation
        waited = Deadline(self._clock, min(WAIT_SECONDS, deadline.remaining()))
        while session.generation == generation and (rejected or self._expired(session)):
            if session.tokens.refresh_token is None:
                self._sessions.end([f"{session.row.partition}/{session.row.key}"], deadline)
                raise errors.NotSignedIn
            if self._free(session):
                self._prepare(deadline.within(GRANT_SECONDS))
                leased = self._lease(session, deadline)
                if leased is not None:
                    return self._renewed(leased, deadline)
            elif waited.remaining() <= 0:
                raise errors.SessionBusy(retry_after=2)
            else:
                self._pause(_POLL_SECONDS)
            session = self._sessions.reread(session, deadline)
        return session

    def _expired(self, session: Session) -> bool:
        return session.tokens.expires <= self._clock.now()

    def _free(self, session: Session) -> bool:
        """Whether nobody holds a lease for this generation, or its holder is known here for longer than it lasts."""
        lease_id, name = session.lease_id, session.row.key
        if not lease_id.startswith(f"{session.generation}."):
            return True
        known, since = self._leases.get(name, ("", 0.0))
        if known != lease_id:
            self._leases[name] = (lease_id, self._clock.monotonic())
            while len(self._leases) > _REMEMBERED:
                self._leases.popitem(last=False)
            return False
        return self._clock.monotonic() - since >= LEASE_SECONDS

    def _lease(self, session: Session, deadline: Deadline) -> Session | None:
        """The session under our lease; None where another was faster."""
        lease_id = f"{session.generation}.{self._new_id()}"
        try:
            return self._sessions.set_lease(session, lease_id, deadline.within(WRITE_SECONDS))
        except errors.RowGone:
            raise errors.NotSignedIn from None
        except (errors.RowChanged, errors.OutcomeUnknown):
            found = self._sessions.reread(session, deadline)
            return found if found.lease_id == lease_id and found.generation == session.generation else None

    def _renewed(self, session: Session, deadline: Deadline) -> Session:
        try:
            tokens = self._grant(session, deadline.within(GRANT_SECONDS))
        except errors.NotSignedIn:
            self._sessions.end([f"{session.row.partition}/{session.row.key}"], Deadline(self._clock, WRITE_SECONDS))
            who = session.identity
            log.event("session_ended", reason="grant_dead", tenant=who.tenant_id, person=who.object_id)
            raise
        except Exception:
            self._release(session)
            raise
        return self._written(session, tokens, Deadline(self._clock, WRITE_SECONDS))

    def _written(self, session: Session, tokens: Tokens, deadline: Deadline) -> Session:
        """Store the tokens. After any doubt the row is read again and decides."""
        generation, lease_id = session.generation, session.lease_id
        while deadline.remaining() > 0:
            try:
                return self._sessions.set_tokens(session, tokens, deadline)
            except errors.RowGone:
                raise errors.NotSignedIn from None
            except (errors.RowChanged, errors.OutcomeUnknown):
                session = self._sessions.reread(session, deadline)
            if session.generation > generation:
                log.event("tokens_kept", ours="yes" if session.lease_id == lease_id else "no")
                return session
        raise errors.StorageUnavailable

    def _release(self, session: Session) -> None:
        """Let the next request try at once. Where that fails, the lease runs out by itself."""
        try:
            self._sessions.set_lease(session, "", Deadline(self._clock, WRITE_SECONDS))
        except (errors.StoreSignal, errors.StorageUnavailable):
            log.event("lease_left")
