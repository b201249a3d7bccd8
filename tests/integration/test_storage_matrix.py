"""Each operation on a session's row under each fault: nobody is taken for signed out, and every answer is in time.

Requests of different sessions are struck at the same time, each by its own fault: a row's key names it in the URL.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from shared.session_rows import row_key
from tests.support.client import Answer, BrowserClient
from tests.support.rows import new_rows, session_rows
from tests.support.signing_in import SESSION, callback_of, is_signed_in
from tests.support.storage_proxy import Refusal

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.storage_proxy import StorageProxy

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"refusal": Refusal(503, "ServerBusy")},
    "500": {"refusal": Refusal(500, "OperationTimedOut")},
    "hang": {"hang": 30.0},
    "reset before": {"reset": "before"},
    "reset after": {"reset": "after"},
    "cut": {"cut": True},
    "412": {"refusal": Refusal(412, "UpdateConditionNotSatisfied")},
    "409": {"refusal": Refusal(409, "EntityAlreadyExists")},
    "404": {"refusal": Refusal(404, "ResourceNotFound")},
}
BUDGET = 10.0
"""Seconds for a request whose table does not do what it should."""
LIFE = 60
UNSEEN = 400
"""Seconds after which a session in use is touched."""


@dataclass
class Case:
    """One operation under one fault, on a session of its own."""

    operation: str
    fault: str
    browser: BrowserClient
    key: str
    answer: Answer | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        said = "-" if self.answer is None else f"{self.answer.status} {self.answer.text[:120]}"
        return f"{self.operation} under {self.fault}: {said} after {self.seconds:.1f} s"


OPERATIONS = {
    # the method that is struck, how many of its kind pass before, and what the app is asked for
    "read of a session": ("GET", 0, "GET", "/auth/me"),
    "lease": ("MERGE|PATCH", 0, "GET", "/api/messages"),
    "write of tokens": ("MERGE|PATCH", 1, "GET", "/api/messages"),
    "touch": ("MERGE|PATCH", 0, "GET", "/api/messages"),
    "deletion": ("DELETE", 0, "POST", "/auth/logout"),
}

SIGN_IN = {
    "reading the epoch": r"^GET .*/sessionindex\(",
    "entering the index": r"^POST .*/sessionindex(\?|$)",
    "writing the session": r"^POST .*/sessions(\?|$)",
}
"""What a sign-in does, and what is struck then."""


@pytest.fixture
def stored(own_apps: Apps, proxy: StorageProxy) -> App:
    """An app whose table lies behind the proxy, and which touches a session after five minutes."""
    return own_apps.get(SESSION_STORE=proxy.connection_string, SESSION_IDLE_TIMEOUT="6000")


@pytest.fixture
def untouched(own_apps: Apps, proxy: StorageProxy) -> App:
    """Another, whose clock no test of this module moves and puts back."""
    return own_apps.get(SESSION_STORE=proxy.connection_string)


@pytest.fixture
def struck(stored: App, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn) -> Iterator[list[Case]]:
    """Every case, answered; the table is well again."""
    cases = [Case(operation, fault, BrowserClient(), "") for operation in OPERATIONS for fault in FAULTS]
    for number, case in enumerate(cases):
        renewing = case.operation in ("lease", "write of tokens")
        sandbox.control.settings(expires_in=LIFE if renewing else 7200)
        sandbox.control.person(f"person-{number}")
        sign_in(stored, f"person-{number}", case.browser)
        case.key = row_key(case.browser.cookies(stored.url)[SESSION].value.partition(".")[2])
    sandbox.control.settings(mailbox_concurrency=None, expires_in=7200)
    sandbox.control.app_clock(UNSEEN)
    for case in cases:
        method, passing, *_ = OPERATIONS[case.operation]
        pattern = rf"^({method}) .*/sessions\(.*RowKey='{case.key}'"
        if passing:
            proxy.fault(pattern, times=passing)
        proxy.fault(pattern, **FAULTS[case.fault])
    with ThreadPoolExecutor(len(cases)) as pool:
        list(pool.map(lambda case: ask(stored, case), cases))
    proxy.heal()
    yield cases


def ask(app: App, case: Case) -> None:
    *_, method, path = OPERATIONS[case.operation]
    began = time.monotonic()
    case.answer = case.browser.fetch(app.url + path, method)
    case.seconds = time.monotonic() - began


def test_no_fault_of_any_operation_means_signed_out(stored: App, struck: list[Case]) -> None:
    wrong = []
    for case in struck:
        assert case.answer is not None
        allowed = {200} if case.operation == "touch" else {200, 503}
        if case.fault == "404":
            allowed = allowed | {401}  # the table says that there is no such row
        if case.answer.status not in allowed or case.seconds > BUDGET:
            wrong.append(str(case))
        if case.answer.status == 503 and not int(case.answer.header("Retry-After") or 0):
            wrong.append(f"{case}, and does not say when to come back")
        if case.operation != "deletion" and case.answer.status != 401 and not is_signed_in(stored, case.browser):
            wrong.append(f"{case}, and signed out afterwards")
    assert wrong == []


@pytest.mark.parametrize("operation", SIGN_IN)
def test_a_sign_in_under_a_fault_ends_with_a_session_or_without_one(
    untouched: App, azurite: Azurite, proxy: StorageProxy, sandbox: Sandbox, operation: str
) -> None:
    wrong = []
    for fault, what in FAULTS.items():
        browser, person = BrowserClient(), f"{operation}-under-{fault}".replace(" ", "-")
        sandbox.control.person(person)
        url, before = callback_of(untouched, sandbox, browser, person), session_rows(azurite)
        proxy.fault(SIGN_IN[operation], **what)
        began = time.monotonic()
        answer = browser.navigate(url, "cross-site")
        seconds = time.monotonic() - began
        proxy.heal()
        said = f"{operation} under {fault}: {answer.status} {answer.text[:100]} after {seconds:.1f} s"
        signed_in = SESSION in browser.cookies(untouched.url) and is_signed_in(untouched, browser)
        if seconds > BUDGET or answer.status != (303 if signed_in else 503):
            wrong.append(said)
        if not signed_in and len(new_rows(azurite, before)) > (fault in ("reset after", "cut")):
            wrong.append(f"{said}, and left a session")
        following = browser.navigate(callback_of(untouched, sandbox, browser, person), "cross-site")
        if following.status != 303:
            wrong.append(f"{said}, and the next one ended in {following.status} {following.text[:1000]}")
    assert wrong == []
