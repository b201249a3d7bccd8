"""The object graph, on one screen. Built on the first request, so that importing the app can neither fail nor wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import errors, log
from shared.auth import Auth, ClientCredential
from shared.clock import Clock, SystemClock
from shared.config import Config
from shared.graph import Graph
from shared.keyring import Keyring
from shared.outbound import Outbound
from shared.refresh import Refresher
from shared.sessions import Sessions
from shared.token_store import TokenStore

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

ASSERTION_SCOPE = "api://AzureADTokenExchange/.default"


@dataclass(frozen=True)
class Services:
    """What handlers are given."""

    config: Config
    clock: Clock
    store: TokenStore
    sessions: Sessions
    refresher: Refresher
    auth: Auth
    graph: Graph


def build(config: Config, clock: Clock, ca_file: str | None) -> Services:
    """Wire everything together. Opens no connection. `ca_file` is one more CA, trusted for loopback upstreams alone."""
    if config.sealing_key is None:
        raise errors.NotConfigured(["SEALING_KEY is required"])
    outbound = Outbound(config.threads, ca_file or config.ca_file)
    credential = None if config.store.account_key else _managed_identity(config.store.identity_client_id)
    store = TokenStore(config.store, outbound, clock, credential)
    sessions = Sessions(store, Keyring(config.sealing_key), config, clock)
    auth = Auth(config, outbound, clock, _client_credential(config))
    refresher = Refresher(sessions, clock, auth.prepare, auth.refresh)
    return Services(config, clock, store, sessions, refresher, auth, Graph(config, outbound, clock))


def _managed_identity(client_id: str | None) -> TokenCredential:
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id)


def _client_credential(config: Config) -> ClientCredential:
    """The client secret; where there is none, an assertion that the managed identity makes for each request.

    https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    """
    if config.client_secret is not None:
        return config.client_secret.reveal()
    identity = _managed_identity(config.identity_client_id)
    return {"client_assertion": lambda: identity.get_token(ASSERTION_SCOPE).token}


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
                    log.event("not_configured", faults=str(problem))
                    self._refused = problem
                    raise
            return self._made
