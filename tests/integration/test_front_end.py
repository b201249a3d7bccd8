"""What the host and Azure's front end do before the app sees a request: keys called `code`, `/`, prefixes, %2F."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps


@pytest.fixture(params=[False, True], ids=["plain", "behind Azure's front end"])
def any_app(apps: Apps, request: pytest.FixtureRequest) -> App:
    return apps.get(front_end=request.param)


@pytest.mark.parametrize("headers", [{}, {"x-functions-key": "z"}], ids=["no key", "a function key"])
def test_a_code_in_the_query_is_no_function_key(any_app: App, headers: dict[str, str]) -> None:
    browser = BrowserClient()
    for query in ("code=0.AX_x&state=y", "code=y"):
        answer = browser.fetch(f"{any_app.url}/auth/callback?{query}", headers=headers)
        assert (answer.status, answer.json()["code"] in ("sign_in_expired", "invalid_request")) == (400, True)
        assert answer.header("Content-Security-Policy") is not None


def test_the_root_is_the_inbox_page_and_only_our_own_prefix_exists(any_app: App) -> None:
    browser = BrowserClient()
    page = browser.navigate(f"{any_app.url}/")
    assert (page.status, page.header("Content-Type")) == (200, "text/html; charset=utf-8")
    assert "page.js" in page.text
    assert browser.fetch(f"{any_app.url}/api/messages").json()["code"] == "not_signed_in"
    for path in ("/api/api/messages", "/api/auth/me", "/api", "/inbox_page", "/index.html"):
        answer = browser.fetch(any_app.url + path)
        assert (answer.status, answer.body) == (404, b""), path


def test_a_whole_sign_in_works_behind_the_front_end(apps: Apps, sandbox: Sandbox, sign_in: SignIn) -> None:
    app = apps.get(front_end=True)
    browser = sign_in(app)
    assert browser.fetch(f"{app.url}/auth/me").json()["public_url"] == app.url
    assert len(browser.fetch(f"{app.url}/api/messages").json()["messages"]) == 25
    assert browser.fetch(f"{app.url}/auth/logout", "POST").status == 200
    assert browser.fetch(f"{app.url}/auth/me").status == 401
