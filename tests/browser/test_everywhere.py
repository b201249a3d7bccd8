"""One person in several browsers: what ends where, through the worker, the table and the sandbox."""

from __future__ import annotations

from playwright.sync_api import expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import OpenInbox
from tests.browser.inbox import Inbox

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


def desk_and_phone(open_inbox: OpenInbox) -> tuple[Inbox, Inbox]:
    """The same person in two browsers."""
    desk = open_inbox().sign_in_by_hand("work")
    phone = open_inbox(viewport={"width": 390, "height": 700}, user_agent=IPHONE).sign_in_by_hand("work")
    return desk, phone


def expect_ended(inbox: Inbox) -> None:
    """At the next thing that the person does."""
    inbox.rows.first.click()
    expect(inbox.welcome).to_contain_text("Your session has ended")


def test_one_browser_ends_the_session_of_another_and_stays_signed_in(open_inbox: OpenInbox) -> None:
    desk, phone = desk_and_phone(open_inbox)
    desk.list_sessions()
    here = desk.signed_in.get_by_role("listitem").filter(has_text="This browser")
    expect(here).to_contain_text("Chrome on Linux")
    expect(here).to_have_count(1)
    there = desk.signed_in.get_by_role("listitem").filter(has_text="Safari on iPhone")
    there.first.get_by_role("button", name="Sign out Safari on iPhone").click()
    expect(desk.signed_in).to_contain_text("Signed out: Safari on iPhone.")
    expect(there).to_have_count(0)
    expect_ended(phone)
    desk.page.keyboard.press("Escape")
    desk.open(0)


def test_signing_out_everywhere_leaves_no_browser_and_no_tab_signed_in(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    desk, phone = desk_and_phone(open_inbox)
    tab = open_inbox(desk.context).visit()
    expect(tab.rows.first).to_be_visible()
    phone.list_sessions()
    phone.signed_in.get_by_text("Sign out everywhere", exact=True).click()
    phone.signed_in.get_by_role("button", name="Yes, sign out everywhere").click()
    phone.page.wait_for_url(f"{phone.url}/")
    expect(phone.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    assert len(sandbox.control.log(where="logout")) == 1
    assert phone.context.cookies(phone.url) == []
    expect_ended(desk)
    expect(tab.welcome).to_be_visible(timeout=1000)

    desk.page.get_by_role("link", name="Sign in again").click()
    desk.choose("work")
    desk.list_sessions()
    expect(desk.signed_in).to_contain_text("You are signed in nowhere else.")
    expect(desk.signed_in.get_by_role("listitem")).to_have_count(1)


def test_signing_out_at_microsoft_ends_the_session_here(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    inbox = open_inbox().sign_in_by_hand("work")
    microsoft = inbox.context.new_page()
    with microsoft.expect_response("**/auth/front-channel-logout?*") as told:
        microsoft.goto(f"{sandbox.http_url}/common/oauth2/v2.0/logout")
    assert told.value.status == 200
    expect_ended(inbox)
