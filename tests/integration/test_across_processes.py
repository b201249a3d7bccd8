"""What one process of the app does to a session, another knows at once; and what one leaves undone, another does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING

import pytest

from tests.support.at_once import until
from tests.support.client import BrowserClient
from tests.support.signing_in import SESSION

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer
    from tests.support.storage_proxy import StorageProxy

LIFE = 60
LEASE = 15
"""Seconds after which the lease of a process that died is taken over."""
WAIT = 8
"""Seconds for which one request waits for it."""
PATHS = ("/auth/me", "/api/messages", "/auth/sessions")


@pytest.fixture
def other(own_apps: Apps, app: App) -> App:
    """Another process over the same table, on a port of its own."""
    return own_apps.get(PUBLIC_URL=app.url)


def copy_of(browser: BrowserClient, app: App) -> BrowserClient:
    """A browser into which the session cookie was copied."""
    thief = BrowserClient()
    thief.cookies(app.url)[SESSION] = browser.cookies(app.url)[SESSION]
    return thief


def in_background(call: Callable[[], object]) -> threading.Thread:
    """The call in a thread, whatever comes of it."""

    def attempt() -> None:
        with suppress(OSError, HTTPException):
            call()

    thread = threading.Thread(target=attempt)
    thread.start()
    return thread


@pytest.mark.parametrize("how", ["here", "everywhere"])
def test_a_copied_cookie_is_dead_in_every_process_once_the_person_has_signed_out(
    app: App, other: App, sign_in: SignIn, how: str
) -> None:
    browser = sign_in(app)
    thief = copy_of(browser, app)
    for process in (app, other):
        assert [thief.fetch(process.url + path).status for path in PATHS] == [200] * 3
    method, path = ("POST", "/auth/logout") if how == "here" else ("DELETE", "/auth/sessions")
    assert browser.fetch(app.url + path, method).status == 200
    for process in (other, app):
        assert [thief.fetch(process.url + path).status for path in PATHS] == [401] * 3


def test_a_process_that_dies_with_the_lease_delays_the_others_by_its_lease_and_no_longer(
    own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn
) -> None:
    sandbox.control.settings(expires_in=LIFE)
    doomed, other = own_apps.start(), own_apps.get(SESSION_STORE=proxy.connection_string)
    browser = sign_in(doomed)
    sandbox.control.settings(token_delay=30.0)
    sandbox.control.app_clock(LIFE + 1)
    dying = in_background(lambda: browser.fetch(f"{doomed.url}/api/messages"))
    until(lambda: sandbox.control.stats()["token"].get("refresh_token"))
    doomed.host.process.kill()
    dying.join()
    sandbox.control.settings(token_delay=0.0)

    answers: list[Answer] = []
    waiting = in_background(lambda: answers.append(browser.fetch(f"{other.url}/api/messages")))
    until(lambda: len([seen for seen in proxy.seen if "/sessions(" in seen.path]) > 2)  # it waits for the lease
    sandbox.control.app_clock(LIFE + 1 + WAIT)
    waiting.join()
    assert [(answer.status, answer.json()["code"]) for answer in answers] == [(503, "session_busy")]
    wait = WAIT + int(answers[0].header("Retry-After") or 0)
    assert wait <= LEASE + 2
    sandbox.control.app_clock(LIFE + 1 + wait)
    assert browser.fetch(f"{other.url}/api/messages").status == 200
    assert sandbox.control.stats()["token"]["refresh_token"] == 2
