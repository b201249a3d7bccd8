"""What tests share: Azurite and the sandbox once per session, apps once per set of settings, a browser for each test.

Modules are imported where they are used, so that unit tests wait for none of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dev.launcher import start
from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.support.apps import App, Apps

# Apps that one session may start; each has its redirect URI registered with the sandbox beforehand.
MOST_APPS = 60

type SignIn = Callable[..., BrowserClient]


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azurite in memory, on free ports."""
    from dev.azurite.serving import AzuriteOptions, serve

    with serve(AzuriteOptions(log=tmp_path_factory.mktemp("azurite") / "azurite.log")) as running:
        yield running


@pytest.fixture(scope="session")
def ca_folder() -> Path:
    """The machine's own certificate authority, made where there is none."""
    from dev import certificates

    folder = Path(start.ROOT, ".drawbridge", "ca")
    certificates.ca_file(folder)
    return folder


@pytest.fixture(scope="session")
def app_ports() -> list[int]:
    """Ports for apps, not yet used."""
    from tests.support.apps import callback_ports

    return callback_ports(MOST_APPS)


@pytest.fixture(scope="session")
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file by which the sandbox moves the clock of every app."""
    return tmp_path_factory.mktemp("clock") / "clock"


@pytest.fixture(scope="session")
def running_sandbox(ca_folder: Path, app_ports: list[int], clock_file: Path) -> Iterator[Sandbox]:
    """The sandbox; tests take `sandbox`, which forgets what earlier tests did."""
    from dev.sandbox.options import SandboxOptions
    from dev.sandbox.serving import serve

    urls = [f"{scheme}://localhost:{port}" for port in app_ports for scheme in ("http", "https")]
    options = SandboxOptions(
        ca_folder=ca_folder,
        redirect_uris=[f"{url}/auth/callback" for url in urls],
        post_logout_uris=[f"{url}/" for url in urls],
        front_channel_logout_uris=[f"{url}/auth/front-channel-logout" for url in urls],
        clock_file=clock_file,
    )
    with serve(options) as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox as it was at its start: no faults, an empty log, untouched mailboxes, the right time.

    Its people are new ones, whom the apps have no sessions of.
    """
    running_sandbox.control.reset()
    for key in ("work", "guest", "personal"):
        running_sandbox.control.person(key, oid=str(uuid.uuid4()))
    return running_sandbox


@pytest.fixture(scope="session")
def running_apps(
    azurite: Azurite, running_sandbox: Sandbox, ca_folder: Path, clock_file: Path, app_ports: list[int]
) -> Iterator[Apps]:
    """Every app of the session; all end with it."""
    from tests.support.apps import Apps

    with ExitStack() as stack:
        yield Apps(azurite, running_sandbox, ca_folder, clock_file, list(app_ports), stack)


@pytest.fixture
def apps(running_apps: Apps, sandbox: Sandbox) -> Apps:
    """`apps.get(SETTING="...")` for an app that may have served other tests, `apps.start(...)` for a new one."""
    return running_apps


@pytest.fixture
def app(apps: Apps) -> App:
    """The app with the usual settings."""
    return apps.get()


@pytest.fixture
def browser_client(running_sandbox: Sandbox) -> BrowserClient:
    """A browser with an empty cookie jar that trusts the local certificate authority."""
    return BrowserClient(running_sandbox.ca_file)


@pytest.fixture
def sign_in(sandbox: Sandbox) -> SignIn:
    """`sign_in(app, person="work", browser=None, return_to=None)` signs a person in and returns the browser."""

    def sign_in(
        app: App, person: str = "work", browser: BrowserClient | None = None, return_to: str | None = None
    ) -> BrowserClient:
        browser = browser or BrowserClient(sandbox.ca_file)
        query = f"?return_to={return_to}" if return_to else ""
        redirect = browser.navigate(f"{app.url}/auth/login{query}")
        assert redirect.status == 302, f"{redirect.status} {redirect.text[:500]}"
        callback = sandbox.control.sign_in(redirect.location, person)
        answer = browser.navigate(callback, site="cross-site")
        assert answer.status == 303, f"{answer.status} {answer.text[:500]}"
        return browser

    return sign_in
