"""Small builders: settings, people, tokens, and an app whose clock, table and network are fakes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from shared.auth import Auth
from shared.clock import Clock, Deadline
from shared.config import Config
from shared.graph import Graph
from shared.keyring import Keyring
from shared.mail import Mail
from shared.purge import Purge
from shared.refresh import Refresher
from shared.secret import Secret
from shared.services import Services
from shared.session_index import SessionIndex
from shared.session_rows import Identity, Session, Tokens
from shared.sessions import Sessions
from shared.settings import DEVELOPMENT_KEY
from shared.signed_in import SignedIn
from shared.wrapping import LocalKey
from tests.fakes.clock import FakeClock
from tests.fakes.entra import CLIENT_ID, PERSON, TENANT, FakeEntra
from tests.fakes.network import FakeNetwork
from tests.fakes.store import FakeStore

PUBLIC_URL = "https://mail.example.org"
SEALING_KEY = base64.b64encode(bytes(range(32))).decode()

ENVIRONMENT: Mapping[str, str] = {
    "ENTRA_CLIENT_ID": CLIENT_ID,
    "ENTRA_CLIENT_SECRET": "client-secret",
    "ENTRA_ALLOWED_TENANTS": "*",
    "PUBLIC_URL": PUBLIC_URL,
    "SESSION_STORE": "UseDevelopmentStorage=true",
    "SEALING_KEY": SEALING_KEY,
}
"""The fewest settings that work on a developer's machine."""

EMULATOR = f"AccountName=devstoreaccount1;AccountKey={DEVELOPMENT_KEY}"


def environment(**changes: str | None) -> dict[str, str]:
    """ENVIRONMENT with changes; None takes a setting away."""
    return {name: value for name, value in {**ENVIRONMENT, **changes}.items() if value is not None}


def config(**changes: str | None) -> Config:
    """The settings of ENVIRONMENT with changes."""
    return Config.from_environment(environment(**changes))


def identity(**changes: str) -> Identity:
    """Ada, with changes."""
    ada = {
        "tenant_id": TENANT,
        "object_id": PERSON,
        "subject": "subject",
        "name": "Ada Lovelace",
        "preferred_username": "ada@contoso.example",
        "login_hint": "hint-of-ada",
        "sid": "sid-of-ada",
    }
    return Identity(**{**ada, **changes})


def tokens(clock: Clock, *, access: str = "access-0", refresh: str | None = "refresh-0", seconds: int = 3600) -> Tokens:
    """Tokens of which the access token lives that many seconds from now."""
    secret = None if refresh is None else Secret(refresh)
    now = int(clock.now())
    return Tokens(Secret(access), secret, now + seconds, ("User.Read", "Mail.Read"), now)


@dataclass(frozen=True)
class World:
    """An app and everything around it."""

    clock: FakeClock
    store: FakeStore
    network: FakeNetwork
    entra: FakeEntra
    services: Services

    @property
    def config(self) -> Config:
        return self.services.config

    def deadline(self, seconds: float = 25.0) -> Deadline:
        return Deadline(self.clock, seconds)

    def sign_in(self, who: Identity | None = None, issued: Tokens | None = None) -> str:
        """Begin a session without Entra; gives back its cookie's value."""
        return self.services.sessions.start(who or identity(), issued or tokens(self.clock), "", self.deadline())

    def session(self, value: str) -> Session:
        """The living session behind a cookie's value."""
        return self.services.sessions.open([value], self.deadline())

    def cookie(self, value: str) -> str:
        """The Cookie header of a browser that has this session."""
        return f"{self.config.session_cookie_name}={value}"


def world(**settings: str | None) -> World:
    """A new app of the usual settings with changes. Its Entra works; its Graph is what `network.answer` says.

    Its data key is there already, good for more than a year, and its table has been asked nothing yet.
    """
    clock, store, network = FakeClock(), FakeStore(), FakeNetwork()
    made = config(**settings)
    entra = FakeEntra(network, clock, made.authority)
    assert made.sealing_key is not None
    keyring = Keyring(store, LocalKey(made.sealing_key), clock)
    keyring.current(int(clock.now()) + 400 * 86400, Deadline(clock, 1.0))
    store.calls.clear()
    store.written.clear()
    index = SessionIndex(store, keyring, clock)
    sessions = Sessions(store, index, keyring, made, clock)
    auth = Auth(made, network, clock, "client-secret")
    refresher = Refresher(sessions, clock, auth.prepare, auth.refresh, made.threads, pause=clock.advance)
    signed_in, purge = SignedIn(store, index, sessions), Purge(store, keyring, clock)
    graph = Graph(made, network, clock)
    mail = Mail(graph)
    services = Services(made, clock, store, keyring, index, sessions, signed_in, refresher, auth, graph, mail, purge)
    return World(clock, store, network, entra, services)
