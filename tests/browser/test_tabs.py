"""Two tabs of one browser tell the same story within a second."""

from __future__ import annotations

from playwright.sync_api import Locator, Route, expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import OpenInbox
from tests.browser.inbox import Inbox
from tests.browser.mail import messages
from tests.browser.sessions import problem

A_SECOND = 1000  # ms


def two_tabs(open_inbox: OpenInbox, sandbox: Sandbox) -> tuple[Inbox, Inbox]:
    """Of one person, both with mail."""
    sandbox.control.mailbox("work", messages(3))
    one = open_inbox().sign_in()
    other = open_inbox(one.context).visit()
    expect(other.rows).to_have_count(3)
    return one, other


def within_a_second(locator: Locator) -> None:
    expect(locator).to_be_visible(timeout=A_SECOND)


def test_signing_out_in_one_tab_signs_the_other_out(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    other.open(1)
    with one.page.expect_response("**/auth/logout"):
        one.sign_out()
    within_a_second(other.welcome)
    expect(other.rows).to_have_count(0)
    expect(other.reader).to_be_empty()


def test_a_tab_that_cannot_ask_who_is_left_shows_no_mail_once_another_signed_out(
    open_inbox: OpenInbox, sandbox: Sandbox
) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    held: list[Route] = []
    other.page.route("**/auth/me", lambda route: held.append(route))
    with one.page.expect_response("**/auth/logout"):
        one.sign_out()
    expect(other.rows.first).to_be_hidden(timeout=A_SECOND)
    expect(other.page.locator("#account")).to_be_hidden()
    held[0].fulfill(status=503, json=problem(503, "storage_unavailable"))
    expect(other.notice).to_contain_text("Detail of storage_unavailable.")
    expect(other.rows).to_have_count(0)
    assert "Maren Solberg" not in other.text()


def test_signing_out_everywhere_in_one_tab_signs_the_other_out(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    one.list_sessions()
    one.signed_in.get_by_text("Sign out everywhere", exact=True).click()
    with one.page.expect_response("**/auth/sessions"):
        one.signed_in.get_by_role("button", name="Yes, sign out everywhere").click()
    within_a_second(other.welcome)


def test_a_session_found_dead_in_one_tab_signs_the_other_out(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    one.context.clear_cookies()
    one.page.get_by_role("button", name="Refresh").click()
    expect(one.welcome).to_be_visible()
    within_a_second(other.welcome)


def test_a_session_found_dead_by_a_tab_that_is_only_being_opened_signs_the_others_out(
    open_inbox: OpenInbox, sandbox: Sandbox
) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    one.context.clear_cookies()
    new = open_inbox(one.context).visit()
    expect(new.welcome).to_be_visible()
    within_a_second(one.welcome)
    within_a_second(other.welcome)


def test_signing_in_in_one_tab_brings_the_other_back_to_its_message(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    other.open(1)
    one.context.clear_cookies()
    one.page.get_by_role("button", name="Refresh").click()
    expect(other.welcome).to_be_visible()
    one.page.get_by_role("link", name="Sign in again").click()
    one.choose("work")
    expect(one.rows).to_have_count(3)
    within_a_second(other.page.locator("#account"))
    expect(other.body).to_have_text("Text of message 1.")


def test_a_new_sign_in_in_one_tab_ends_the_wait_of_the_other(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    other.page.route(
        "**/api/messages?*", lambda route: route.fulfill(status=401, json=problem(401, "interaction_required"))
    )
    other.page.get_by_role("button", name="Refresh").click()
    expect(other.banner).to_be_visible()
    other.page.unroute_all()
    sandbox.control.app_clock(2)  # sessions are told apart by the second in which they end
    one.visit("/auth/login?prompt=select_account")
    one.choose("work")
    expect(other.banner).to_be_hidden()
    expect(other.rows).to_have_count(3)


def test_tabs_that_agree_leave_each_other_alone(open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    one, other = two_tabs(open_inbox, sandbox)
    asked: list[str] = []
    for tab in (one, other):
        tab.page.on("request", lambda request: asked.append(request.url))
    new = open_inbox(one.context).visit()
    expect(new.rows).to_have_count(3)
    new.page.reload()
    expect(new.rows).to_have_count(3)
    assert asked == []
