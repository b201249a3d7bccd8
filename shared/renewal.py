"""One refresh grant for a session, under a lease on its row, and writing down what became of it.

A lease says who is at it, and for which generation of the payload. A lease whose id has not changed for 15 seconds of
our own clock belongs to a process that died, and is taken over. What became of a grant is written as the next
generation, by an update that needs the row to be there: no order of events brings back a session that was signed out,
or puts old tokens in the place of newer ones. docs/sessions.md shows all of it on one page.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from shared import errors, log
from shared.clock import Clock, Deadline
from shared.flights import EntraHealth, Recent
from shared.session_rows import Challenge, Session, Tokens
from shared.sessions import Sessions

LEASE_SECONDS = 15.0
WAIT_SECONDS = 8.0
GRANT_SECONDS = 7.0
WRITE_SECONDS = 4.0
POLL_SECONDS = 0.1

Grant = Callable[[Session, Deadline, str | None], Tokens]
"""Redeems a session's refresh token, with claims where Graph demanded some. Raises errors.NotSignedIn where the grant
is dead, InteractionRequired where Entra wants the person."""


class Renewal:
    """The next generation of a session's payload. `prepare` fetches what a grant needs before a lease is taken.

    `new_id` makes the random part of a lease's id; `pause` waits, in seconds, before storage is tried again.
    """

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        prepare: Callable[[Deadline], None],
        grant: Grant,
        new_id: Callable[[], str],
        pause: Callable[[float], object],
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._prepare = prepare
        self._grant = grant
        self._new_id = new_id
        self._pause = pause
        self._entra = EntraHealth(clock)
        self._leases = Recent[tuple[str, float]]()
        self._unwritten = Recent[tuple[int, Tokens]]()

    def tried(self, session: Session, demand: Challenge | None, deadline: Deadline) -> Session:
        """The next generation, if this request may write it; else the session as it was found last."""
        name = session.row.key
        known = self._unwritten.get(name)
        if known is not None and known[0] <= session.generation:  # those of a later one are not for a stale request
            unwritten = self._unwritten.take(name)
            if unwritten is not None and unwritten[0] == session.generation:
                return self._written(session, unwritten[1])
        if not self._free(session):
            return session
        self._ready(session, deadline)
        lease_id = f"{session.generation}.{self._new_id()}"
        found = self._lease(session, lease_id, deadline)
        if found.lease_id != lease_id or found.generation != session.generation:
            return found
        try:
            return self._granted(found, demand, deadline)
        except Exception:
            # Where our lease is still there, it is over all the same, and holds up nobody here.
            self._leases.put(name, (lease_id, float("-inf")))
            raise

    def _free(self, session: Session) -> bool:
        """Whether nobody holds a lease for this generation, or its holder is known here for longer than it lasts.

        Raises SessionBusy for a lease that was waited for already, and has not run out: its holder may be dead.
        """
        lease_id, name = session.lease_id, session.row.key
        if not session.leased:
            return True
        known, since = self._leases.get(name) or ("", 0.0)
        if known != lease_id:
            self._leases.put(name, (lease_id, self._clock.monotonic()))
            return False
        left = since + LEASE_SECONDS - self._clock.monotonic()
        if 0 < left <= LEASE_SECONDS - WAIT_SECONDS:
            raise errors.SessionBusy(retry_after=math.ceil(left))
        return left <= 0

    def _ready(self, session: Session, deadline: Deadline) -> None:
        """Have what a grant and its write need, first of all a chance."""
        self._entra.check()
        self._sessions.prepare(session, deadline.within(WRITE_SECONDS))
        try:
            self._prepare(deadline.within(GRANT_SECONDS))
        except errors.EntraUnavailable as problem:
            self._entra.learnt(problem)
            raise

    def _lease(self, session: Session, lease_id: str, deadline: Deadline) -> Session:
        """The session under this lease, or as it is where another was faster."""
        # Whoever takes the lease has the time to ask Entra, and to write down what it says.
        spare = deadline.remaining() - GRANT_SECONDS - WRITE_SECONDS
        if spare < 1.0:
            raise errors.SessionBusy(retry_after=1)
        deadline = deadline.within(min(WRITE_SECONDS, spare))
        try:
            return self._sessions.set_lease(session, lease_id, deadline)
        except errors.RowGone:
            raise errors.NotSignedIn from None
        except (errors.RowChanged, errors.OutcomeUnknown):
            return self._sessions.reread(session, deadline)

    def _granted(self, session: Session, demand: Challenge | None, deadline: Deadline) -> Session:
        """Redeem the refresh token under our lease, and write down what became of it."""
        claims = demand.claims if demand else ""
        try:
            with self._entra.asked():
                tokens = self._grant(session, deadline.within(GRANT_SECONDS), claims or None)
        except errors.NotSignedIn:
            return self._settled(session, self._ended)
        except errors.InteractionRequired as problem:
            if demand is None and self._clock.now() < session.tokens.expires:
                self._release(session)
                raise
            challenge = demand if demand and claims else Challenge(problem.claims or "", blocking=True)
            return self._marked(session, challenge)
        except Exception:
            self._release(session)
            raise
        return self._written(session, tokens)

    def _written(self, session: Session, tokens: Tokens) -> Session:
        try:
            return self._settled(session, lambda found, left: self._sessions.set_tokens(found, tokens, left))
        except (errors.StorageUnavailable, errors.KeysUnavailable):
            # The next request that needs them writes them, instead of redeeming a refresh token that was used.
            self._unwritten.put(session.row.key, (session.generation, tokens))
            log.event("tokens_not_written")
            raise
        except errors.SessionTooLarge:
            self._release(session)
            raise

    def _marked(self, session: Session, challenge: Challenge) -> Session:
        """Keep for what Entra wants the person, and raise it; where others have renewed the tokens, theirs count."""
        try:
            session = self._settled(session, lambda found, left: self._sessions.set_challenge(found, challenge, left))
        except (errors.StorageUnavailable, errors.KeysUnavailable, errors.SessionTooLarge):
            log.event("challenge_not_kept")
            raise errors.InteractionRequired(challenge.claims or None) from None
        refuse_challenged(session, challenge)
        return session

    def _ended(self, session: Session, deadline: Deadline) -> Session:
        self._sessions.end_row(session.row, deadline, "grant_dead", unchanged=True)
        raise errors.NotSignedIn

    def _settled(self, session: Session, write: Callable[[Session, Deadline], Session]) -> Session:
        """Write what became of a grant. After any doubt the row is read again and decides."""
        generation, lease_id = session.generation, session.lease_id
        deadline = Deadline(self._clock, WRITE_SECONDS)
        doubt = False
        while True:
            try:
                if doubt:
                    session = self._sessions.reread(session, deadline)
                if session.generation > generation:
                    log.event("tokens_kept", ours="yes" if session.lease_id == lease_id else "no")
                    return session
                return write(session, deadline)
            except errors.RowGone:
                raise errors.NotSignedIn from None
            except (errors.RowChanged, errors.OutcomeUnknown):
                if deadline.remaining() <= 0:
                    raise errors.StorageUnavailable from None
            except (errors.StorageUnavailable, errors.KeysUnavailable):
                if deadline.remaining() <= POLL_SECONDS:
                    raise
                self._pause(POLL_SECONDS)
            doubt = True

    def _release(self, session: Session) -> None:
        """Let the next request try at once. Where that fails, the lease runs out by itself."""
        try:
            self._sessions.set_lease(session, "", Deadline(self._clock, WRITE_SECONDS))
        except (errors.StoreSignal, errors.StorageUnavailable):
            log.event("lease_left")


def refuse_challenged(session: Session, demand: Challenge | None) -> None:
    """Raises InteractionRequired where the row says that only the person can help."""
    challenge = session.challenge
    if challenge is not None and (challenge.blocking or challenge == demand):
        raise errors.InteractionRequired(challenge.claims or None)
