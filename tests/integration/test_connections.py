"""Kept connections that the other side resets without a word, and how many are opened."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.storage_proxy import StorageProxy

IDLE = 0.2


@pytest.fixture
def stored(own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox) -> App:
    """An app whose table lies behind the proxy."""
    return own_apps.get(SESSION_STORE=proxy.connection_string)


@pytest.mark.parametrize("expired", [False, True], ids=["mail", "mail after a refresh"])
def test_a_connection_that_died_while_idle_is_never_noticed(
    stored: App, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn, expired: bool
) -> None:
    sandbox.control.settings(idle_reset_seconds=IDLE, expires_in=20)
    browser = sign_in(stored)
    proxy.idle_reset = IDLE
    for round_number in range(1, 6):
        if expired:
            sandbox.control.app_clock(21 * round_number)
        before = len(sandbox.control.log(where="graph"))
        assert browser.fetch(f"{stored.url}/api/messages").status == 200
        assert len(sandbox.control.log(where="graph")) - before <= 2
        time.sleep(2 * IDLE)  # the pause itself is what is tried: every kept connection is reset in it
    assert sandbox.control.stats()["token"].get("refresh_token", 0) == (5 if expired else 0)
    merges = [seen.body for seen in proxy.seen if seen.method in ("MERGE", "PATCH")]
    assert len(merges) == (10 if expired else 0)
    assert len(merges) == len(set(merges))


def test_three_hundred_requests_share_few_connections(
    stored: App, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn
) -> None:
    people = [f"reader-{number}" for number in range(5)]
    for person in people:
        sandbox.control.person(person)
        sandbox.control.mailbox(person, [{"id": "one"}])
    browsers = [sign_in(stored, person) for person in people]
    proxy.heal()
    before = sum(sandbox.control.stats()["connections"].values())
    control_calls = 1

    def read(number: int) -> int:
        return browsers[number % 5].fetch(f"{stored.url}/api/messages").status

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(read, range(300))) == {200}
    opened = sum(sandbox.control.stats()["connections"].values()) - before - control_calls
    assert opened <= 20
    assert proxy.connections <= 20
    assert len(sandbox.control.log(where="graph")) == 300


def test_a_proxy_or_netrc_of_the_environment_is_ignored(own_apps: Apps, sandbox: Sandbox, sign_in: SignIn) -> None:
    nowhere = "http://127.0.0.1:1"
    app = own_apps.start(
        HTTP_PROXY=nowhere,
        HTTPS_PROXY=nowhere,
        ALL_PROXY=nowhere,
        http_proxy=nowhere,
        https_proxy=nowhere,
        NO_PROXY="",
        REQUESTS_CA_BUNDLE="/nonexistent",
        CURL_CA_BUNDLE="/nonexistent",
        NETRC="/nonexistent",
    )
    browser = sign_in(app, browser=BrowserClient())
    assert browser.fetch(f"{app.url}/api/messages").status == 200
    (call,) = sandbox.control.log(where="graph")
    assert call["headers"]["authorization"].startswith("Bearer ")
