"""Running apps for tests: the real app on the local host, its own process, with Azurite and the sandbox behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dev.azurite.serving import Azurite
from dev.host.options import HostOptions
from dev.host.serving import RunningHost, serve
from dev.launcher import children, ports, settings
from dev.sandbox.serving import Sandbox

CLONE = Path(__file__).resolve().parents[2]
SEALING_KEY = settings.new_sealing_key()


def callback_ports(count: int) -> list[int]:
    """Free ports for apps, known before any starts: the sandbox compares redirect URIs exactly, ports included."""
    chosen: list[int] = []
    for _ in range(count):
        chosen.append(ports.first_free(chosen[-1] + 1 if chosen else 17071))
    return chosen


@dataclass
class App:
    """One running app. `settings` are those it was started with."""

    url: str
    host: RunningHost
    settings: dict[str, str]

    @property
    def log(self) -> str:
        return self.host.log


@dataclass
class Apps:
    """Starts apps, and keeps each for every later test that asks for the same settings."""

    azurite: Azurite
    sandbox: Sandbox
    ca_folder: Path
    clock_file: Path
    free_ports: list[int]
    stack: ExitStack
    kept: dict[object, App] = field(default_factory=dict)
    started: list[App] = field(default_factory=list)
    app_folder: Path = CLONE

    def get(self, *, https: bool = False, processes: int = 1, front_end: bool = False, **overrides: str) -> App:
        """An app with these settings over the usual ones; it may have served other tests before."""
        key = (https, processes, front_end, frozenset(overrides.items()))
        if key not in self.kept:
            self.kept[key] = self.start(https=https, processes=processes, front_end=front_end, **overrides)
        return self.kept[key]

    def start(self, *, https: bool = False, processes: int = 1, front_end: bool = False, **overrides: str) -> App:
        """A new app that has learnt nothing yet, for this test alone; it ends with the session."""
        port = next(port for port in iter(self.free_ports.pop, None) if ports.is_free(port))
        url = f"{'https' if https else 'http'}://localhost:{port}"
        upstreams = settings.Upstreams(
            authority=f"{self.sandbox.https_url}/common",
            graph=f"{self.sandbox.http_url}/v1.0",
            session_store=self.azurite.connection_string,
        )
        chosen = settings.for_sandbox(url, upstreams, SEALING_KEY) | overrides
        options = HostOptions(
            app_folder=self.app_folder,
            port=port,
            processes=processes,
            certificate_folder=self.ca_folder if https else None,
            ca_file=self.sandbox.ca_file,
            clock_file=self.clock_file,
            front_end=front_end,
            environment=children.bare_environment(os.environ) | chosen,
        )
        app = App(url, self.stack.enter_context(serve(options)), chosen)
        self.started.append(app)
        return app

    @contextmanager
    def passing(self) -> Iterator[Apps]:
        """The same, but all that is started inside the block ends with it."""
        with ExitStack() as stack:
            yield replace(self, stack=stack, kept={})
