"""A sandbox without an app, for tests of the sandbox itself; apps of one module alone; the search at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.support.apps import Apps
    from tests.support.sandbox_client import Client
    from tests.support.storage_proxy import StorageProxy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What searches every answer and log line of the run for tokens comes last."""
    items.sort(key=lambda item: item.path.name == "test_tokens_stay_here.py")


@pytest.fixture(scope="module")
def own_apps(running_apps: Apps) -> Iterator[Apps]:
    """Apps that end with the module."""
    with running_apps.passing() as apps:
        yield apps


@pytest.fixture(scope="module")
def running_proxy(azurite: Azurite) -> Iterator[StorageProxy]:
    """A proxy before Azurite; tests take `proxy`."""
    from tests.support.storage_proxy import storage_proxy

    with storage_proxy(azurite.connection_string) as running:
        yield running


@pytest.fixture
def proxy(running_proxy: StorageProxy) -> StorageProxy:
    """The proxy without faults."""
    running_proxy.heal()
    return running_proxy


@pytest.fixture(scope="session")
def running_lone_sandbox(ca_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """With redirect URIs where nobody listens; tests take `lone_sandbox`, which is reset for each of them."""
    from dev.sandbox.options import SandboxOptions
    from dev.sandbox.serving import serve
    from tests.support.sandbox_client import FRONT_CHANNEL_URI, OTHER_REDIRECT_URI, POST_LOGOUT_URI, REDIRECT_URI

    options = SandboxOptions(
        ca_folder=ca_folder,
        redirect_uris=(REDIRECT_URI, OTHER_REDIRECT_URI),
        post_logout_uris=(POST_LOGOUT_URI,),
        front_channel_logout_uris=(FRONT_CHANNEL_URI,),
        clock_file=tmp_path_factory.mktemp("lone-clock") / "clock",
    )
    with serve(options) as running:
        yield running


@pytest.fixture
def lone_sandbox(running_lone_sandbox: Sandbox) -> Sandbox:
    """As it was at its start."""
    running_lone_sandbox.control.reset()
    return running_lone_sandbox


@pytest.fixture
def client(lone_sandbox: Sandbox) -> Client:
    """MSAL at the authority `common`, and raw requests."""
    from tests.support.sandbox_client import Client

    return Client(lone_sandbox)
