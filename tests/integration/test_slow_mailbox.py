"""One slow mailbox, and everybody else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.support.at_once import at_once, until
from tests.support.client import BrowserClient
from tests.support.signing_in import callback_of

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import Answer

SOON = 2.0


def timed(browser: BrowserClient, url: str) -> tuple[int, float]:
    started = time.monotonic()
    return browser.fetch(url).status, time.monotonic() - started


def test_a_slow_mailbox_stops_nobody_else(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    assert app.settings["PYTHON_THREADPOOL_THREAD_COUNT"] == "64"
    slow, other, newcomer = sign_in(app, "work"), sign_in(app, "personal"), BrowserClient(sandbox.ca_file)
    sandbox.control.fault("graph", {"delay": 25}, times=None, match={"person": "work"})
    ended: list[Answer] = []
    started = time.monotonic()
    waiting = threading.Thread(target=lambda: ended.extend(at_once(12, lambda: slow.fetch(f"{app.url}/api/messages"))))
    waiting.start()
    until(lambda: len([call for call in sandbox.control.log(where="graph") if call["person"] == "work"]) == 4)
    for path in ("/api/messages", "/health/live", "/health/ready", "/auth/me"):
        status, seconds = timed(other, app.url + path)
        assert (status, seconds < SOON) == (200, True), (path, seconds)
    begun = time.monotonic()
    assert newcomer.navigate(callback_of(app, sandbox, newcomer, "guest"), "cross-site").status == 303
    assert time.monotonic() - begun < SOON
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: timed(other, f"{app.url}/auth/me")[0], range(40))) == {200}
    waiting.join()
    assert time.monotonic() - started < 25
    assert sorted((answer.status, answer.json()["code"]) for answer in ended) == [
        *[(429, "mailbox_busy")] * 8,
        *[(504, "graph_timeout")] * 4,
    ]
    assert all(answer.header("Retry-After") == "1" for answer in ended if answer.status == 429)
    assert sandbox.control.stats()["graph_at_once"]["work"] == 4
    sandbox.control.reset()
    until(lambda: slow.fetch(f"{app.url}/api/messages").status == 200)
