"""The object graph, on one screen. Built on the first request, so that importing the app can neither fail nor wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from shared import errors, log
from shared.auth import Auth, ClientCredential
from shared.clock import Clock, SystemClock
from shared.config import Config
from shared.graph import Graph
from shared.keyring import Keyring
from shared.mail import Mail
from shared.managed_identity import client_assertion, managed_identity
from shared.outbound import Outbound
from shared.purge import Purge
from shared.refresh import Refresher
from shared.session_index import SessionIndex
from shared.sessions import Sessions
from shared.signed_in import SignedIn
from shared.token_store import TokenStore
from shared.wrapping import KeyVaultKey, LocalKey, WrappingKey


@dataclass(frozen=True)
class Services:
    """What handlers are given."""

    config: Config
    clock: Clock
    store: TokenStore
    keyring: Keyring
    index: SessionIndex
    sessions: Sessions
    signed_in: SignedIn
    refresher: Refresher
    auth: Auth
    graph: Graph
    mail: Mail
    purge: Purge


def build(config: Config, clock: Clock, ca_file: str | None) -> Services:
    """Wire everything together. Opens no connection. `ca_file` is one more CA, trusted for loopback upstreams alone."""
    outbound = Outbound(config.threads, ca_file or config.ca_file)
    credential = None if config.store.account_key else managed_identity(config.store.identity_client_id, outbound)
    store = TokenStore(config.store, outbound, clock, credential)
    keyring = Keyring(store, _wrapping_key(config, outbound), clock)
    index = SessionIndex(store, keyring, clock)
    sessions = Sessions(store, index, keyring, config, clock)
    auth = Auth(config, outbound, clock, _client_credential(config, outbound, clock))
    refresher = Refresher(sessions, clock, auth.prepare, auth.refresh, config.threads)
    signed_in, purge = SignedIn(store, index, sessions), Purge(store, keyring, clock)
    graph = Graph(config, outbound, clock)
    return Services(
        config, clock, store, keyring, index, sessions, signed_in, refresher, auth, graph, Mail(graph), purge
    )


def _client_credential(config: Config, outbound: Outbound, clock: Clock) -> ClientCredential:
    """The client secret; where there is none, an assertion that the managed identity makes for each request."""
    if config.client_secret is not None:
        return config.client_secret.reveal()
    identity = managed_identity(config.identity_client_id, outbound)
    return {"client_assertion": client_assertion(identity, config.authority, clock)}


def _wrapping_key(config: Config, outbound: Outbound) -> WrappingKey:
    if config.sealing_key is not None:
        return LocalKey(config.sealing_key)
    return KeyVaultKey(config.sealing_key_id, managed_identity(config.identity_client_id, outbound), outbound)


def from_environment() -> Services:
    """The services of a deployed app."""
    return build(Config.of_this_process(), SystemClock(), None)


class LazyServices:
    """Makes the services when they are first asked for, once. The local host puts in a factory of its own."""

    def __init__(self) -> None:
        self._factory: Callable[[], Services] = from_environment
        self._lock = threading.Lock()
        self._made: Services | None = None
        self._refused: errors.NotConfigured | None = None

    def use(self, factory: Callable[[], Services]) -> None:
        """Let this factory make them, from now on."""
        with self._lock:
            self._factory, self._made, self._refused = factory, None, None

    def made(self) -> Services | None:
        """The services where they are made already."""
        return self._made

    def get(self) -> Services:
        """Raises errors.NotConfigured, whose faults are logged once."""
        if self._made is not None:
            return self._made
        with self._lock:
            if self._refused is not None:
                raise errors.NotConfigured(self._refused.faults)
            if self._made is None:
                try:
                    self._made = self._factory()
                except errors.NotConfigured as problem:
                    log.event("not_configured", logging.ERROR, faults=str(problem))
                    self._refused = problem
                    raise
            return self._made
