"""What all measurements stand on: Azurite, Graph's stand-in, the settings of the app, and its people."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev import certificates
from dev.azurite import serving as azurite
from dev.bench import people
from dev.bench.helper import Helper, helper
from dev.bench.people import Person
from dev.host import serving
from dev.host.options import HostOptions
from dev.host.serving import RunningHost
from dev.launcher import children, settings, start
from dev.launcher.terminal import Progress
from shared.clock import SystemClock
from shared.config import Config
from shared.services import build

_FOLDER = Path(start.ROOT, ".drawbridge")
_PUBLIC_URL = "http://localhost:7071"  # no request depends on the port
LIST = "/api/messages"
LIVE = "/health/live"


@dataclass(frozen=True)
class Stage:
    """What is there while the bench runs."""

    people: list[Person]
    settings: Mapping[str, str]
    cookie_name: str
    ca_file: Path
    graph: Helper
    graph_port: int
    load: Helper
    bare: Helper

    def use_delay(self, seconds: float) -> None:
        """Let Graph take so long from now on."""
        self.graph.ask({"delay": seconds})

    def cookie(self, person: Person) -> str:
        return f"{self.cookie_name}={person.cookie}"

    def app_requests(self, count: int) -> list[str]:
        """One request for the newest messages for each of `count` people."""
        head = f"GET {LIST} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nSec-Fetch-Site: same-origin\r\n"
        return [f"{head}Cookie: {self.cookie(person)}\r\n\r\n" for person in self.people[:count]]

    def graph_requests(self, count: int) -> list[str]:
        """What the app asks Graph on behalf of each of `count` people."""
        head = "GET /v1.0/me/mailFolders/inbox/messages HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n"
        return [f"{head}Authorization: Bearer {person.access_token}\r\n\r\n" for person in self.people[:count]]

    @contextmanager
    def app(self, processes: int, more: Mapping[str, str] | None = None) -> Iterator[RunningHost]:
        """The app on the local host."""
        environment = children.bare_environment(os.environ) | dict(self.settings)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        options = HostOptions(
            app_folder=Path(start.ROOT),
            port=0,
            processes=processes,
            ca_file=self.ca_file,
            environment=environment | dict(more or {}),
        )
        with serving.serve(options) as running:
            yield running


def get(port: int, path: str, cookie: str = "") -> int:
    """The status of one GET over a connection of its own."""
    connection = http.client.HTTPConnection("localhost", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Accept": "application/json", "Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@contextmanager
def set_up(count: int, progress: Progress) -> Iterator[Stage]:
    """Start everything but the app, and sign `count` people in."""
    bare_environment = children.bare_environment(os.environ)
    ca_folder = _FOLDER / "ca"
    ca_file = certificates.ca_file(ca_folder)
    with ExitStack() as stack:
        with progress.step("Azurite"):
            store = stack.enter_context(
                azurite.serve(azurite.AzuriteOptions(log=_FOLDER / "logs" / "bench-azurite.log"), progress)
            )
        with progress.step("Graph's stand-in and the load"):
            graph = stack.enter_context(helper("dev.bench.graph", bare_environment))
            load = stack.enter_context(helper("dev.bench.load", bare_environment))
            bare = stack.enter_context(helper("dev.bench.bare", bare_environment))
            port = graph.ask({"ca_folder": str(ca_folder)})["port"]
        origin = f"https://localhost:{port}"
        upstreams = settings.Upstreams(f"{origin}/common", f"{origin}/v1.0", store.connection_string)
        chosen = settings.for_sandbox(_PUBLIC_URL, upstreams, settings.new_sealing_key())
        with progress.step(f"{count} sessions"):
            config = Config.from_environment(chosen)
            signed_in = people.sign_in(build(config, SystemClock(), str(ca_file)), count)
            bare.ask({"settings": chosen, "ca_file": str(ca_file)})
        yield Stage(signed_in, chosen, config.session_cookie_name, ca_file, graph, port, load, bare)
