"""The app's own code as one actor runs it: its own process, with its own clock and its own memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared import errors
from shared.clock import Clock, Deadline
from shared.config import Config
from shared.keyring import Keyring
from shared.purge import Purge
from shared.refresh import Refresher
from shared.secret import Secret
from shared.session_index import SessionIndex
from shared.session_rows import Session, Tokens, partition_key, row_key
from shared.sessions import Sessions
from shared.signed_in import SignedIn
from shared.token_store import TokenStore
from shared.wrapping import LocalKey
from tests.explorer.model import ActorClock, Model, Place
from tests.explorer.stage import Actor, Call, Outcome
from tests.explorer.table import ActorStore, Perform
from tests.fakes import build

CONFIG = build.config(SESSION_IDLE_TIMEOUT="28800")
WRAPPING = LocalKey(Secret(build.SEALING_KEY))
GRANTING = (Outcome.DIES, Outcome.UNAVAILABLE, Outcome.REDEEMED, Outcome.DEAD, Outcome.WANTED)

_REFUSALS: Mapping[Outcome, type[errors.DrawbridgeError]] = {
    Outcome.UNAVAILABLE: errors.EntraUnavailable,
    Outcome.DEAD: errors.NotSignedIn,
    Outcome.WANTED: errors.InteractionRequired,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """The classes that an app is made of; a test puts a broken one in to see it caught."""

    store: Callable[[Model, Actor, Perform], TokenStore] = ActorStore
    index: Callable[[TokenStore, Keyring, Clock], SessionIndex] = SessionIndex
    sessions: Callable[[TokenStore, SessionIndex, Keyring, Config, Clock], Sessions] = Sessions
    refresher: Callable[..., Refresher] = Refresher


def at_once(call: Call) -> Outcome:
    """Every call is made and answered: nobody else is there."""
    return Outcome.DONE


class Process:
    """What production code of one process needs, over the shared model.

    One that is given a `keyring` has read the data keys long ago, and does so no more; another reads them first.
    """

    def __init__(
        self,
        parts: Parts,
        model: Model,
        actor: Actor,
        perform: Perform,
        skew: float = 0.0,
        keyring: Keyring | None = None,
    ) -> None:
        self.model = model
        self.actor = actor
        self.clock = ActorClock(model.time, skew, 1000.0 * (1 + actor.number))
        self._perform = perform
        self.store = parts.store(model, actor, perform)
        self.keyring = keyring or Keyring(self.store, WRAPPING, self.clock)
        self.index = parts.index(self.store, self.keyring, self.clock)
        self.sessions = parts.sessions(self.store, self.index, self.keyring, CONFIG, self.clock)
        self.signed_in = SignedIn(self.store, self.index, self.sessions)
        self.purge = Purge(self.store, self.keyring, self.clock)
        self.refresher = parts.refresher(
            self.sessions,
            self.clock,
            lambda deadline: None,
            self.grant,
            CONFIG.threads,
            new_id=self.new_id,
            pause=self.pause,
        )

    def deadline(self, seconds: float = 25.0) -> Deadline:
        return Deadline(self.clock, seconds)

    @staticmethod
    def place(cookie: str) -> Place:
        """Where the session of a cookie lies."""
        day, _, secret = cookie.partition(".")
        return "sessions", partition_key(day, secret), row_key(secret)

    def new_id(self) -> str:
        """An id that nobody else has."""
        return f"lease-of-{self.actor.name}-{self.actor.history}"

    def pause(self, seconds: float) -> None:
        """Wait. Who has waited and found nothing changed since goes on when that is so, or when everybody waits."""
        actor, writes = self.actor, self.model.writes
        self._perform(Call("waits", waits_since=writes if actor.woken_at == writes else None))
        actor.woken_at = self.model.writes
        self.model.observed(actor, "woke")

    def sleep_until(self, moment: float) -> None:
        """Do nothing until so many seconds after the beginning."""
        self._perform(Call("waits", until=moment))
        self.model.observed(self.actor, "woke")

    def grant(self, session: Session, deadline: Deadline, claims: str | None = None) -> Tokens:
        """Entra's part of a refresh: each redemption gives new tokens, whatever was redeemed before."""
        old = session.tokens.refresh_token
        assert old is not None
        outcome = self._perform(Call(f"redeems {old.reveal()}", GRANTING))
        if self.model.one_use and self.model.redeemed.get(old.reveal()):
            outcome = Outcome.DEAD
        if outcome is Outcome.DEAD:
            self.model.dead[self.actor.number] = session.generation
        if outcome in _REFUSALS:
            self.model.observed(self.actor, outcome)
            self.model.answered(outcome.value)
            raise _REFUSALS[outcome]
        redeemed = self.model.redeemed
        redeemed[old.reveal()] = redeemed.get(old.reveal(), 0) + 1
        number = f"{self.actor.name}{sum(name.startswith(self.actor.name) for name in self.model.issued) + 1}"
        self.model.issued.append(number)
        self.model.observed(self.actor, number)
        if outcome is Outcome.REDEEMED:
            raise errors.EntraUnavailable
        return build.tokens(self.clock, access=f"access-{number}", refresh=f"refresh-{number}")
