"""The session table refuses, hangs or breaks connections: nobody is signed out by it, and all is well afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.at_once import until
from tests.support.client import BrowserClient
from tests.support.rows import new_rows, session_rows
from tests.support.signing_in import SESSION, callback_of, is_signed_in
from tests.support.storage_proxy import Refusal

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.storage_proxy import StorageProxy

READ = r"^GET .*/sessions\("
INSERT = r"^POST .*/sessions(\?|$)"
MERGE = r"^(MERGE|PATCH) .*/sessions\("
DELETE = r"^DELETE .*/sessions\("
FAULTS: dict[str, dict[str, Any]] = {
    "503": {"refusal": Refusal(503, "ServerBusy")},
    "500": {"refusal": Refusal(500, "InternalError")},
    "403": {"refusal": Refusal(403, "AuthorizationPermissionMismatch")},
    "429": {"refusal": Refusal(429, "TooManyRequests")},
    "reset before": {"reset": "before"},
    "reset after": {"reset": "after"},
    "hang": {"hang": 5.0},
    "cut": {"cut": True},
}


@pytest.fixture
def stored(own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox) -> App:
    """An app whose table lies behind the proxy."""
    return own_apps.get(SESSION_STORE=proxy.connection_string)


@pytest.mark.parametrize("name", FAULTS)
def test_a_storage_fault_never_means_signed_out(stored: App, proxy: StorageProxy, sign_in: SignIn, name: str) -> None:
    browser = sign_in(stored)
    proxy.fault(READ, **FAULTS[name])
    for path in ("/auth/me", "/api/messages"):
        started = time.monotonic()
        answer = browser.fetch(stored.url + path)
        assert (answer.status, answer.json()["code"]) == (503, "storage_unavailable")
        assert int(answer.header("Retry-After") or 0) >= 1
        assert answer.all("Set-Cookie") == []
        assert time.monotonic() - started < 10
    proxy.heal()
    assert is_signed_in(stored, browser)


@pytest.mark.parametrize("name", ["503", "reset before", "reset after", "cut"])
def test_one_fault_of_a_read_is_not_noticed(stored: App, proxy: StorageProxy, sign_in: SignIn, name: str) -> None:
    browser = sign_in(stored)
    proxy.fault(READ, times=1, **FAULTS[name])
    assert is_signed_in(stored, browser)


@pytest.mark.parametrize("name", FAULTS)
def test_a_sign_in_that_cannot_be_stored_leaves_nothing_half(
    stored: App, azurite: Azurite, proxy: StorageProxy, sandbox: Sandbox, name: str
) -> None:
    browser = BrowserClient()
    url = callback_of(stored, sandbox, browser)
    before = session_rows(azurite)
    proxy.fault(INSERT, **FAULTS[name])
    answer = browser.navigate(url, "cross-site")
    proxy.heal()
    if answer.status == 303:  # the row was written, and only its answer was lost
        assert len(new_rows(azurite, before)) == 1
        assert is_signed_in(stored, browser)
        return
    assert answer.status == 503
    assert SESSION not in browser.cookies(stored.url)
    assert browser.navigate(callback_of(stored, sandbox, browser), "cross-site").status == 303


@pytest.mark.parametrize("name", ["503", "reset after", "cut"])
def test_a_write_whose_answer_was_lost_costs_no_second_grant(
    stored: App, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn, name: str
) -> None:
    sandbox.control.settings(expires_in=60)
    browser = sign_in(stored)
    for struck in (1, 2):  # the lease, then the tokens
        sandbox.control.app_clock(61 * struck)
        if struck == 2:
            proxy.fault(MERGE, times=1)
        proxy.fault(MERGE, times=1, **FAULTS[name])
        answer = browser.fetch(f"{stored.url}/api/messages")
        assert answer.status in (200, 503)
        proxy.heal()
        assert browser.fetch(f"{stored.url}/api/messages").status == 200
        assert sandbox.control.stats()["token"]["refresh_token"] <= struck + (name == "503")


@pytest.mark.parametrize("name", ["503", "hang", "reset before"])
def test_signing_out_tells_the_truth_when_the_table_does_not_answer(
    stored: App, proxy: StorageProxy, sign_in: SignIn, name: str
) -> None:
    browser = sign_in(stored)
    copied = browser.cookies(stored.url)[SESSION]
    proxy.fault(DELETE, **FAULTS[name])
    started = time.monotonic()
    answer = browser.fetch(f"{stored.url}/auth/logout", "POST")
    assert time.monotonic() - started < 8
    assert (answer.status, answer.json()["code"]) == (503, "storage_unavailable")
    assert "could not be deleted" in answer.json()["detail"]
    assert SESSION not in browser.cookies(stored.url)
    proxy.heal()
    browser.cookies(stored.url)[SESSION] = copied
    assert browser.fetch(f"{stored.url}/auth/logout", "POST").status == 200
    browser.cookies(stored.url)[SESSION] = copied
    assert not is_signed_in(stored, browser)


@pytest.mark.parametrize("missing", [True, False], ids=["table being deleted", "role not yet effective"])
def test_a_table_that_is_not_there_yet_is_waited_for_without_a_restart(
    own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox, missing: bool
) -> None:
    if missing:
        proxy.fault(r"^POST .*/Tables", refusal=Refusal(409, "TableBeingDeleted"))
        proxy.fault("", refusal=Refusal(404, "TableNotFound"))
    else:
        proxy.fault("", refusal=Refusal(403, "AuthorizationPermissionMismatch"))
    app = own_apps.start(SESSION_STORE=proxy.connection_string)
    browser = BrowserClient()
    started = time.monotonic()
    for _ in range(5):
        assert browser.fetch(f"{app.url}/health/live").status == 200
        ready = browser.fetch(f"{app.url}/health/ready")
        assert (ready.status, "session table" in ready.json()["detail"]) == (503, True)
        answer = browser.navigate(callback_of(app, sandbox, browser), "cross-site")
        assert answer.status == 503
        assert int(answer.header("Retry-After") or 0) >= 1
        assert SESSION not in browser.cookies(app.url)
    attempts = [seen for seen in proxy.seen if "/Tables" in seen.path]
    assert len(attempts) <= 2 * (time.monotonic() - started + 1)
    proxy.heal()
    # One attempt a second to create tables: the next answers may still say that they are not there.
    until(lambda: browser.fetch(f"{app.url}/health/ready").status == 200)
    assert browser.navigate(callback_of(app, sandbox, browser), "cross-site").status == 303
    assert is_signed_in(app, browser)


def test_a_living_session_outlasts_a_table_that_refuses_for_a_while(
    stored: App, proxy: StorageProxy, sign_in: SignIn
) -> None:
    browser = sign_in(stored)
    proxy.fault("", refusal=Refusal(403, "AuthorizationPermissionMismatch"))
    answer = browser.fetch(f"{stored.url}/api/messages")
    assert (answer.status, answer.all("Set-Cookie")) == (503, [])
    assert browser.navigate(f"{stored.url}/auth/login").status == 302
    proxy.heal()
    assert browser.fetch(f"{stored.url}/api/messages").status == 200
