"""Steps of a sign-in, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.support.apps import App
    from tests.support.client import BrowserClient

SESSION = "drawbridge-session"


def begin(app: App, browser: BrowserClient, return_to: str = "/") -> str:
    """Start a sign-in; the address of Entra's page."""
    answer = browser.navigate(f"{app.url}/auth/login?return_to={return_to}")
    assert answer.status == 302
    return answer.location


def callback_of(app: App, sandbox: Sandbox, browser: BrowserClient, person: str = "work") -> str:
    """Start a sign-in and accept at Entra; the callback that nobody has followed yet."""
    return sandbox.control.sign_in(begin(app, browser), person)


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def token_calls(sandbox: Sandbox) -> int:
    return len(sandbox.control.log(where="token"))


def pending_cookies(app: App, browser: BrowserClient) -> list[str]:
    return [name for name in browser.cookies(app.url) if name.startswith("drawbridge-sign-in-")]


def is_signed_in(app: App, browser: BrowserClient) -> bool:
    return browser.fetch(f"{app.url}/auth/me").status == 200
