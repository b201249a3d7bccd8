"""After signing out no mail of that person is to be seen: not by Back, not in another tab, not by the next person."""

from __future__ import annotations

from playwright.sync_api import expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import OpenInbox
from tests.browser.inbox import Inbox
from tests.browser.mail import message, messages

MARKER = "Heronsgate"


def marked_mail(sandbox: Sandbox, person: str = "work", marker: str = MARKER) -> None:
    """A mailbox in which every text has the marker word."""
    marked = [
        message(
            number,
            author=f"{marker} sender",
            subject=f"{marker} subject {number}",
            bodyPreview=f"{marker} preview",
            body={"contentType": "text", "content": f"{marker} text {number}"},
        )
        for number in range(3)
    ]
    sandbox.control.mailbox(person, marked)


def sessions_cookie(inbox: Inbox) -> list[str]:
    return [cookie["name"] for cookie in inbox.context.cookies(inbox.url) if cookie["name"] == "drawbridge-session"]


def test_signing_out_ends_the_session_before_the_browser_leaves_and_comes_back_to_the_start(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    marked_mail(sandbox)
    inbox.sign_in()
    inbox.open(0)
    assert sessions_cookie(inbox) == ["drawbridge-session"]
    inbox.sign_out()
    inbox.page.wait_for_url(f"{inbox.url}/")
    expect(inbox.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    assert MARKER not in inbox.text()
    assert sandbox.control.log(where="logout")[-1]["status"] == 302
    assert sessions_cookie(inbox) == [], "the cookie is really gone from the jar"


def test_back_from_a_sign_out_page_that_never_returns_shows_no_mail(inbox: Inbox, sandbox: Sandbox) -> None:
    marked_mail(sandbox)
    sandbox.control.settings(logout_redirects=False)
    inbox.sign_in_by_hand()
    inbox.open(0)
    expect(inbox.body).to_contain_text(MARKER)
    inbox.sign_out()
    expect(inbox.page.get_by_role("heading", name="You signed out of your account")).to_be_visible()
    for _ in range(2):
        inbox.back()
        if inbox.page.url.startswith(inbox.url):
            expect(inbox.welcome).to_be_visible()
            assert MARKER not in inbox.text()


def test_a_tab_whose_session_ended_elsewhere_empties_itself_at_the_next_click_and_stays_empty(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    marked_mail(sandbox)
    inbox.sign_in()
    inbox.open(0)
    address = inbox.page.url
    out = inbox.context.request.post(
        f"{inbox.url}/auth/logout", headers={"Origin": inbox.url, "Accept": "application/json"}
    )
    assert out.status == 200
    inbox.rows.nth(1).click()
    expect(inbox.welcome).to_contain_text("Your session has ended")
    assert MARKER not in inbox.text()
    inbox.page.reload()
    expect(inbox.welcome).to_be_visible()
    assert MARKER not in inbox.text()
    assert inbox.page.url != address


def test_a_session_that_ended_while_reading_is_taken_up_again_at_the_same_message(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    inbox.open(0)
    inbox.context.clear_cookies()
    inbox.rows.nth(1).click()
    again = inbox.page.get_by_role("link", name="Sign in again")
    expect(again).to_be_visible()
    expect(inbox.page.get_by_role("heading", level=1)).to_be_focused()
    address = inbox.page.url
    again.click()
    inbox.choose("work")
    expect(inbox.body).to_have_text("Text of message 1.")
    assert inbox.page.url == address


def test_signing_out_in_one_tab_empties_the_other(inbox: Inbox, open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    marked_mail(sandbox)
    inbox.sign_in()
    other = open_inbox(inbox.context).visit()
    expect(other.rows).to_have_count(3)
    inbox.sign_out()
    expect(other.welcome).to_contain_text("Your session has ended")
    assert MARKER not in other.text()


def test_back_after_another_person_signed_in_shows_only_their_mail(inbox: Inbox, sandbox: Sandbox) -> None:
    marked_mail(sandbox)
    marked_mail(sandbox, "personal", "Second")
    inbox.sign_in_by_hand()
    inbox.open(0)
    inbox.sign_out()
    inbox.page.wait_for_url(f"{inbox.url}/")
    inbox.page.get_by_role("link", name="Sign in", exact=True).click()
    inbox.choose("personal")
    expect(inbox.rows.first).to_contain_text("Second")
    for _ in range(6):
        inbox.back()
        if inbox.page.url.startswith(f"{inbox.url}/") and "/auth/" not in inbox.page.url:
            inbox.expect_something(inbox.page.locator("a.row, #welcome"))
        assert MARKER not in inbox.text()


def test_a_tab_notices_that_another_person_has_signed_in(inbox: Inbox, open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    marked_mail(sandbox)
    marked_mail(sandbox, "personal", "Second")
    inbox.sign_in()
    inbox.open(0)
    other = open_inbox(inbox.context)
    other.visit("/auth/login?prompt=select_account")
    other.choose("personal")
    expect(inbox.page.locator(".account-button")).to_contain_text("Inés Okafor")
    expect(inbox.rows.first).to_contain_text("Second")
    assert MARKER not in inbox.text()


def test_a_page_that_a_browser_kept_for_back_shows_nothing_before_it_knows_who_is_signed_in(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    # Chromium keeps no page that fetched with no-store; other browsers do, and tell it with these two events.
    marked_mail(sandbox)
    inbox.sign_in()
    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect(inbox.rows.first).to_be_hidden()
    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(inbox.rows.first).to_be_visible()

    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    inbox.context.clear_cookies()
    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(inbox.welcome).to_be_visible()
    assert MARKER not in inbox.text()


def test_a_kept_page_that_cannot_ask_who_is_signed_in_shows_no_mail(inbox: Inbox, sandbox: Sandbox) -> None:
    marked_mail(sandbox)
    inbox.sign_in()
    inbox.page.route("**/auth/me", lambda route: route.fulfill(status=503, body="{}"))
    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(inbox.notice).to_be_visible()
    assert MARKER not in inbox.text()


def test_a_failed_sign_out_clears_the_page_and_says_that_the_session_lives(inbox: Inbox, sandbox: Sandbox) -> None:
    marked_mail(sandbox)
    inbox.sign_in()
    inbox.page.route("**/auth/logout", lambda route: route.abort())
    inbox.sign_out()
    expect(inbox.notice).to_contain_text("You are still signed in")
    assert MARKER not in inbox.text()
    inbox.page.unroute("**/auth/logout")
    inbox.sign_out()
    expect(inbox.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    # Chromium reports the request that was cut off.
    inbox.complaints.clear()
