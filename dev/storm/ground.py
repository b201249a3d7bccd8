"""What every run stands on: Azurite, Entra's and Graph's stand-in, and as many processes of the app as it wants."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from dev import certificates
from dev.azurite import serving as azurite
from dev.azurite.serving import Azurite
from dev.bench.helper import Helper, helper
from dev.host import serving
from dev.host.clock import ShiftedClock
from dev.host.options import HostOptions
from dev.host.serving import RunningHost
from dev.launcher import children, settings, start
from dev.launcher.terminal import Progress
from dev.sandbox.clock import AppClockFile
from dev.storm.upstream import token
from shared import errors
from shared.clock import Deadline
from shared.config import Config
from shared.secret import Secret
from shared.services import Services, build
from shared.session_rows import Identity, Tokens
from shared.sessions import Sessions

FOLDER = Path(start.ROOT, ".drawbridge")
_PUBLIC_URL = "http://localhost:7071"  # no request depends on the port
_TENANT = str(UUID(int=0x7D3F4C1E2B8A4F6D9C051A2B3C4D5E6F))
SECONDS = 30.0
"""What seeding and looking may take."""
_TRIES = 5


@dataclass(frozen=True)
class Ground:
    """What is there while storms run."""

    azurite: Azurite
    upstream: Helper
    settings: Mapping[str, str]
    ca_file: Path
    folder: Path
    _passed: list[float] = field(default_factory=lambda: [0.0])

    @property
    def passed(self) -> float:
        """How much time has passed besides, in seconds. It only grows: no run finds keys of a later day."""
        return self._passed[0]

    def advance(self, to: float) -> float:
        """Let time pass until then, for everybody who looks at it from now on; gives it back."""
        self._passed[0] = max(to, self.passed)
        return self.passed

    def clock_file(self, name: str) -> Path:
        """The offsets of one process's clock."""
        return self.folder / name

    def services(self, clock_file: Path) -> Services:
        """The app's services, for this very process."""
        return build(Config.from_environment(self.settings), ShiftedClock(clock_file), str(self.ca_file))

    @property
    def cookie_name(self) -> str:
        """Of the session's cookie."""
        return Config.from_environment(self.settings).session_cookie_name

    @contextmanager
    def hosts(self, count: int) -> Iterator[list[Host]]:
        """So many apps on the local host, each one process with a port and a clock of its own."""
        environment = children.bare_environment(os.environ) | dict(self.settings)
        with ExitStack() as stack:
            hosts = []
            for number in range(count):
                file = self.clock_file(f"host-{number}")
                options = HostOptions(
                    app_folder=Path(start.ROOT), ca_file=self.ca_file, clock_file=file, environment=environment
                )
                hosts.append(Host(stack.enter_context(serving.serve(options)), AppClockFile(file)))
            yield hosts

    def asked(self, **question: Any) -> list[dict[str, Any]]:
        """What Entra and Graph were asked; see dev.storm.upstream for the question."""
        calls: list[dict[str, Any]] = self.upstream.ask(question)["calls"]
        return calls


@dataclass(frozen=True)
class Host:
    """One app with its clock."""

    running: RunningHost
    clock: AppClockFile


@contextmanager
def prepared(progress: Progress) -> Iterator[Ground]:
    """Everything but the app."""
    ca_folder = FOLDER / "ca"
    ca_file = certificates.ca_file(ca_folder)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="storm-")))
        with progress.step("Azurite, and a stand-in for Entra and Graph"):
            log = FOLDER / "logs" / "storm-azurite.log"
            store = stack.enter_context(azurite.serve(azurite.AzuriteOptions(log=log, access_log=True), progress))
            upstream = stack.enter_context(helper("dev.storm.upstream", children.bare_environment(os.environ)))
            port = upstream.ask({"ca_folder": str(ca_folder)})["port"]
        origin = f"https://localhost:{port}"
        upstreams = settings.Upstreams(f"{origin}/common", f"{origin}/v1.0", store.connection_string)
        chosen = settings.for_sandbox(_PUBLIC_URL, upstreams, settings.new_sealing_key())
        # Time is moved by days where a session is renewed a thousand times.
        lasting = {"SESSION_MAX_AGE": "7776000", "SESSION_IDLE_TIMEOUT": "6000"}
        yield Ground(store, upstream, chosen | lasting, ca_file, folder)


@dataclass(frozen=True)
class Person:
    """One session of one person. `cookie` is its cookie's value, `place` is "partition/key" of its row."""

    identity: Identity
    cookie: str
    place: str

    @property
    def object_id(self) -> str:
        return self.identity.object_id

    @property
    def owner(self) -> str:
        """As Graph's stand-in names whose mailbox it is."""
        return f"{_TENANT}/{self.object_id}"


def identity(object_id: str | None = None) -> Identity:
    """Somebody of our one tenant."""
    object_id = object_id or str(uuid4())
    return Identity(
        tenant_id=_TENANT,
        object_id=object_id,
        subject=f"subject-{object_id}",
        name="A person",
        preferred_username="person@contoso.example",
        login_hint=secrets.token_urlsafe(60),
        sid=str(uuid4()),
    )


def tokens(object_id: str, now: float, seconds: int) -> Tokens:
    """Tokens of number 0, of which the access token lives so many seconds from now; less than none has expired."""
    return Tokens(
        access_token=Secret(token("access", _TENANT, object_id, 0)),
        refresh_token=Secret(token("refresh", _TENANT, object_id, 0)),
        expires=int(now) + seconds,
        scopes=("openid", "profile", "offline_access", "User.Read", "Mail.Read"),
        issued=int(now) + seconds - 3600,
    )


def patiently[T](call: Callable[[], T]) -> T:
    """What it gives, asked for a few times where the machine was too slow for the table's deadlines."""
    for _ in range(_TRIES - 1):
        with suppress(errors.StorageUnavailable):
            return call()
    return call()


def signed_in(
    services: Services,
    who: Identity | None = None,
    seconds: int = -3600,
    sessions: Sessions | None = None,
    *,
    lasting: bool = True,
) -> Person:
    """A session, begun without Entra; its access token expired an hour ago unless `seconds` say otherwise.

    Without `who` it is somebody new. One that is not lasting cannot be renewed, and ends with its access token, an hour
    from now.
    """
    if who is None:
        return patiently(lambda: signed_in(services, identity(), seconds, sessions, lasting=lasting))
    issued = tokens(who.object_id, services.clock.now(), seconds)
    if not lasting:
        issued = replace(tokens(who.object_id, services.clock.now(), 3600), refresh_token=None)
    deadline = Deadline(services.clock, SECONDS)
    cookie = (sessions or services.sessions).start(who, issued, "Firefox on Linux", deadline)
    return Person(who, cookie, services.sessions.keys([cookie])[0])


def is_refused(services: Services, cookie: str) -> bool:
    """Whether a request with this cookie finds nobody signed in."""
    try:
        patiently(lambda: services.sessions.open([cookie], Deadline(services.clock, SECONDS)))
    except errors.NotSignedIn:
        return True
    return False
