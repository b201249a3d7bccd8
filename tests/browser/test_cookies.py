"""What the browser holds while somebody is signed in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import OpenInbox
from tests.browser.inbox import Inbox
from tests.support.apps import App, Apps

STORAGE = """async () => [
    ...Object.entries(localStorage), ...Object.entries(sessionStorage), document.cookie,
    ...(await indexedDB.databases()).map((database) => database.name), ...(await caches.keys()),
    ...(await navigator.serviceWorker.getRegistrations()).map((worker) => worker.scope),
]"""


def test_the_browser_holds_one_cookie_that_scripts_cannot_read_and_no_token(inbox: Inbox, sandbox: Sandbox) -> None:
    inbox.sign_in()
    inbox.open(0)
    cookies = inbox.context.cookies(inbox.url)
    assert [cookie["name"] for cookie in cookies] == ["drawbridge-session"]
    cookie = cookies[0]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie["domain"] == "localhost", "no leading dot: the cookie belongs to this host alone"
    assert cookie["expires"] == -1, "it ends with the browser"
    assert inbox.page.evaluate(STORAGE) == [""]
    state = f"{inbox.context.storage_state()} {inbox.text()} {inbox.page.url}"
    canaries = sandbox.control.canaries()
    assert canaries
    assert not [canary for canary in canaries if canary in state]


@pytest.fixture
def https_app(apps: Apps) -> App:
    return apps.get(https=True)


def test_over_https_chromium_keeps_and_sends_the_host_cookie_after_coming_back_from_another_site(
    open_inbox: OpenInbox, chromium_with_ca: Browser, https_app: App, sandbox: Sandbox
) -> None:
    inbox = open_inbox(app=https_app, browser=chromium_with_ca).sign_in_by_hand()
    assert sandbox.http_url.startswith("http://127.0.0.1:"), "another site than localhost"
    expect(inbox.rows.first).to_be_visible()
    cookies = inbox.context.cookies(inbox.url)
    assert [cookie["name"] for cookie in cookies] == ["__Host-Http-session"]
    cookie = cookies[0]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert (cookie["domain"], cookie["path"], cookie["expires"]) == ("localhost", "/", -1)

    inbox.page.reload()
    with inbox.page.expect_request("**/auth/me") as sent:
        inbox.page.reload()
    assert "__Host-Http-session=" in sent.value.all_headers()["cookie"]
    expect(inbox.rows.first).to_be_visible()


def test_over_https_signing_out_really_deletes_the_host_cookie(
    open_inbox: OpenInbox, chromium_with_ca: Browser, https_app: App
) -> None:
    inbox = open_inbox(app=https_app, browser=chromium_with_ca).sign_in_by_hand()
    inbox.sign_out()
    inbox.page.wait_for_url(f"{inbox.url}/")
    expect(inbox.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    assert inbox.context.cookies(inbox.url) == []


def test_signing_out_by_the_confirmation_page_needs_no_script(open_inbox: OpenInbox) -> None:
    inbox = open_inbox().sign_in()
    inbox.visit("/auth/logout")
    inbox.sign_out()
    inbox.page.wait_for_url(f"{inbox.url}/")
    expect(inbox.welcome).to_be_visible()
    assert inbox.context.cookies(inbox.url) == []


def test_without_scripts_the_page_says_so_and_offers_to_sign_out(open_inbox: OpenInbox) -> None:
    inbox = open_inbox(java_script_enabled=False).visit()
    expect(inbox.page.get_by_role("heading", name="This page needs JavaScript")).to_be_visible()
    expect(inbox.page.get_by_role("link", name="sign out")).to_have_attribute("href", "/auth/logout")
    expect(inbox.page.locator("#mail")).to_be_hidden()
