"""Everything the sandbox knows, in one object. Only the event loop's thread touches it, so nothing needs a lock."""

from __future__ import annotations

from starlette.requests import Request

from dev.sandbox.call_log import CallLog
from dev.sandbox.clock import AppClockFile, Pauses, SandboxClock
from dev.sandbox.demands import Demands
from dev.sandbox.entra.grants import Grants, PendingPage
from dev.sandbox.faults import Faults
from dev.sandbox.graph.mailboxes import Mailboxes
from dev.sandbox.identity.tokens import IdentityTokens
from dev.sandbox.options import SandboxOptions
from dev.sandbox.people import People
from dev.sandbox.settings import Settings
from dev.sandbox.vault.keys import VaultKey


class World:
    """The state behind both listeners."""

    def __init__(self, options: SandboxOptions, http_port: int, https_port: int) -> None:
        self.options = options
        self.http_url = f"http://127.0.0.1:{http_port}"
        self.https_url = f"https://localhost:{https_port}"
        self.clock = SandboxClock()
        self.pauses = Pauses()
        self.app_clock = AppClockFile(options.clock_file) if options.clock_file else None
        self.settings = Settings()
        self.people = People()
        self.faults = Faults()
        self.calls = CallLog()
        self.grants = Grants(self.clock)
        self.demands = Demands(self.clock)
        self.mailboxes = Mailboxes(self.clock)
        self.identity_tokens = IdentityTokens(self.clock)
        self.vault_key = VaultKey(self.clock)
        self.pages: dict[str, PendingPage] = {}
        self.consents: dict[str, frozenset[str]] = {}

    def reset(self) -> None:
        """Back to the start. Issued tokens and the vault's key stay known, so that the app's sessions go on."""
        self.clock.offset = 0.0
        if self.app_clock is not None:
            self.app_clock.write(0.0)
        vars(self.settings).update(vars(Settings()))
        self.people.reset()
        self.faults.reset()
        self.calls.reset()
        self.grants.reset()
        self.demands.reset()
        self.mailboxes.reset()
        self.pages.clear()
        self.consents.clear()


def world_of(request: Request) -> World:
    """The world that a request's application was built for."""
    world: World = request.app.state.world
    return world
