"""Whatever goes wrong is told in a sentence, with a way on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from time import time
from typing import Any

from playwright.sync_api import Route, expect

from dev.host.options import HostOptions
from dev.host.serving import serve
from dev.launcher import children
from dev.sandbox.serving import Sandbox
from tests.browser.conftest import OpenInbox
from tests.browser.inbox import Inbox
from tests.browser.mail import messages
from tests.support.apps import CLONE, App

THROTTLED = {"error": {"code": "ApplicationThrottled", "message": "Application is over its MailboxConcurrency limit."}}


LISTS = "**/api/messages?*"


@contextmanager
def answered(inbox: Inbox, where: str, answer: dict[str, Any]) -> Iterator[None]:
    """For what neither sandbox nor app can be brought to say: the page gets this answer instead."""

    def fulfil(route: Route) -> None:
        route.fulfill(**answer)

    inbox.page.route(where, fulfil)
    yield
    inbox.page.unroute(where, fulfil)


def lists_asked_for(sandbox: Sandbox) -> int:
    return len(sandbox.control.log(where="graph.messages"))


def test_a_throttled_page_asks_again_by_itself_and_no_sooner_than_it_was_told(inbox: Inbox, sandbox: Sandbox) -> None:
    inbox.page.clock.install()
    later = formatdate(time() + 20, usegmt=True)
    sandbox.control.fault("graph.messages", {"status": 429, "headers": {"Retry-After": later}, "body": THROTTLED})
    inbox.sign_in()
    expect(inbox.notice).to_contain_text("Microsoft asks to wait")
    countdown = inbox.notice.locator(".countdown")
    expect(countdown).to_contain_text("Trying again in")
    seconds = int((countdown.text_content() or "").split()[3])
    assert 3 <= seconds <= 20
    assert lists_asked_for(sandbox) == 1

    inbox.page.clock.run_for((seconds - 2) * 1000)
    expect(countdown).to_have_text("Trying again in 2 seconds.")
    assert lists_asked_for(sandbox) == 1
    inbox.page.clock.run_for(3000)
    expect(inbox.rows).to_have_count(25)
    assert lists_asked_for(sandbox) == 2


def test_a_throttled_page_of_older_messages_keeps_the_list_and_goes_on_by_itself(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(30))
    inbox.page.clock.install()
    inbox.sign_in()
    sandbox.control.fault("graph.messages", {"status": 429, "headers": {"Retry-After": "5"}, "body": THROTTLED})
    inbox.page.get_by_role("button", name="Older messages").click()
    expect(inbox.notice).to_contain_text("Microsoft asks to wait")
    expect(inbox.rows).to_have_count(25)
    inbox.page.clock.run_for(6000)
    expect(inbox.rows).to_have_count(30)
    expect(inbox.notice).to_have_count(0)


def test_a_throttled_message_opens_by_itself_after_the_wait(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(2))
    inbox.page.clock.install()
    inbox.sign_in()
    sandbox.control.fault("graph.message", {"status": 429, "headers": {"Retry-After": "5"}, "body": THROTTLED})
    inbox.rows.first.click()
    expect(inbox.notice).to_contain_text("Microsoft asks to wait")
    inbox.page.clock.run_for(6000)
    expect(inbox.body).to_have_text("Text of message 0.")


def test_a_wait_that_is_given_up_for_another_message_disturbs_nobody(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(2))
    inbox.sign_in()
    inbox.page.clock.install()
    sandbox.control.fault("graph.message", {"status": 429, "headers": {"Retry-After": "5"}, "body": THROTTLED})
    inbox.rows.first.click()
    expect(inbox.notice).to_be_visible()
    inbox.open(1)
    inbox.page.clock.run_for(10_000)
    expect(inbox.body).to_have_text("Text of message 1.")
    assert len(sandbox.control.log(where="graph.message")) == 2


def test_a_guest_without_a_mailbox_is_told_so_and_offered_another_account(inbox: Inbox, sandbox: Sandbox) -> None:
    inbox.sign_in("guest")
    expect(inbox.notice).to_contain_text("This account has no mailbox here")
    expect(inbox.page.locator(".account-button")).to_contain_text("Tomás Ferreira")
    inbox.notice.get_by_role("link", name="Use another account").click()
    inbox.choose("work")
    expect(inbox.rows.first).to_be_visible()


def test_a_message_that_was_deleted_meanwhile_says_so_and_leads_back(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(2))
    inbox.sign_in()
    sandbox.control.mailbox("work", messages(1))
    inbox.rows.nth(1).click()
    expect(inbox.notice).to_contain_text("This message is gone")
    inbox.page.get_by_role("button", name="Back to the inbox").click()
    expect(inbox.reader).to_be_hidden()
    assert inbox.is_at_home()


def test_a_session_that_entra_ended_offers_to_sign_in_again(inbox: Inbox, sandbox: Sandbox) -> None:
    inbox.sign_in()
    sandbox.control.expire()
    sandbox.control.revoke()
    inbox.page.get_by_role("button", name="Refresh").click()
    expect(inbox.welcome).to_contain_text("Your session has ended")
    inbox.page.get_by_role("link", name="Sign in again").click()
    inbox.choose("work")
    expect(inbox.rows.first).to_be_visible()


def test_a_mail_service_that_fails_can_be_asked_again(inbox: Inbox, sandbox: Sandbox) -> None:
    fault = sandbox.control.fault("graph.messages", {"status": 504, "body": "<html>"}, times=None)
    inbox.sign_in()
    expect(inbox.notice).to_contain_text("The mail service")
    sandbox.control.remove_fault(fault)
    inbox.expect_something(inbox.page.locator("a.row, .notice-view button"))
    if inbox.notice.get_by_role("button").count():
        inbox.notice.get_by_role("button", name="Try again").click()
    expect(inbox.rows.first).to_be_visible(timeout=20_000)


def test_an_app_without_settings_says_that_it_is_not_set_up(open_inbox: OpenInbox) -> None:
    bare = HostOptions(app_folder=CLONE, check_settings=False, environment=children.bare_environment(os.environ))
    with serve(bare) as host:
        inbox = open_inbox(app=App(host.url, host, {})).visit()
        expect(inbox.page.get_by_role("heading", level=1)).to_have_text("This app is not set up yet")
    inbox.complaints.clear()  # Without settings the page's style sheet is refused like every other route.


def test_an_offline_page_says_so_and_goes_on_when_the_network_is_back(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(30))
    inbox.sign_in()
    inbox.context.set_offline(True)
    expect(inbox.page.locator("#connection")).to_have_text("Offline. What you see may be old.")
    expect(inbox.rows).to_have_count(25)
    inbox.page.get_by_role("button", name="Older messages").click()
    expect(inbox.notice).to_contain_text("You are offline")
    inbox.context.set_offline(False)
    expect(inbox.rows).to_have_count(30)
    expect(inbox.page.locator("#connection")).to_have_text("")
    inbox.complaints.clear()  # Chromium reports the request that could not be sent.


def test_a_page_at_another_address_than_the_configured_one_offers_the_right_one(inbox: Inbox) -> None:
    wrong = inbox.url.replace("localhost", "127.0.0.1")
    inbox.page.goto(wrong)
    ribbon = inbox.page.locator("#wrong-address")
    expect(ribbon).to_be_visible()
    expect(inbox.page.get_by_role("link", name="Sign in", exact=True)).to_have_attribute(
        "href", f"{inbox.url}/auth/login?return_to=%2F"
    )
    ribbon.get_by_role("link").click()
    inbox.page.wait_for_url(f"{inbox.url}/")
    expect(ribbon).to_be_hidden()


WAYS_ON = {
    (403, "consent_required"): "Review the permissions",
    (403, "account_not_allowed"): "Use another account",
    (404, "no_mailbox"): "Use another account",
    (429, "mailbox_busy"): "Trying again in",
    (502, "graph_refused"): "Try again",
    (503, "graph_unavailable"): "Try again",
    (504, "graph_timeout"): "Try again",
    (503, "entra_unavailable"): "Try again",
    (503, "app_registration_refused"): "Try again",
    (503, "storage_unavailable"): "Try again",
    (503, "not_configured"): "Try again",
    (500, "internal_error"): "Try again",
}
REFERENCE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_every_problem_has_a_sentence_a_reference_and_a_way_on(inbox: Inbox) -> None:
    inbox.sign_in()
    for (status, code), way in WAYS_ON.items():
        problem = {
            "title": f"Title of {code}",
            "status": status,
            "detail": f"Detail of {code}.",
            "instance": REFERENCE,
            "code": code,
            "login_url": f"{inbox.url}/auth/login?return_to=/",
        }
        answer = {"status": status, "content_type": "application/problem+json", "body": json.dumps(problem)}
        with answered(inbox, LISTS, answer):
            inbox.page.reload()
            expect(inbox.notice.get_by_role("heading")).to_have_text(f"Title of {code}")
            expect(inbox.notice).to_contain_text(f"Detail of {code}.")
            expect(inbox.notice).to_contain_text(f"Reference for support: {REFERENCE}")
            expect(inbox.notice.get_by_text(way)).to_be_visible()


FOREIGN = [
    (502, "text/html", "<html><script>document.title = 'run'</script>"),
    (500, "text/plain", ""),
    (200, "text/html", "<html>a captive portal</html>"),
    (200, "application/json", '{"messages": [{"id": "a'),
    (200, "application/json", "null"),
    (404, "application/problem+json", '{"code": 7, "title": null, "detail": [], "instance": {}}'),
]


def test_an_answer_that_is_not_ours_is_told_without_showing_it(inbox: Inbox) -> None:
    inbox.sign_in()
    for status, kind, body in FOREIGN:
        with answered(inbox, LISTS, {"status": status, "content_type": kind, "body": body}):
            inbox.page.reload()
            expect(inbox.notice.get_by_role("heading")).to_have_text("Something went wrong")
            assert "portal" not in inbox.text()
        inbox.notice.get_by_role("button", name="Try again").click()
        expect(inbox.rows.first).to_be_visible()


def test_a_server_that_is_gone_can_be_tried_again(inbox: Inbox) -> None:
    inbox.sign_in()
    inbox.page.route("**/api/messages?*", lambda route: route.abort("connectionrefused"))
    inbox.page.reload()
    expect(inbox.notice).to_contain_text("Drawbridge cannot be reached")
    inbox.page.unroute("**/api/messages?*")
    inbox.notice.get_by_role("button", name="Try again").click()
    expect(inbox.rows.first).to_be_visible()
    inbox.complaints.clear()  # Chromium reports the request that was refused.


def test_a_storage_that_fails_while_signing_out_is_told_with_what_is_left(inbox: Inbox) -> None:
    problem = {
        "title": "The app cannot reach its storage",
        "status": 503,
        "detail": "This browser has forgotten the session, but it could not be deleted.",
        "code": "storage_unavailable",
        "location": "https://login.example/logout",
    }
    inbox.sign_in()
    with answered(inbox, "**/auth/logout", {"status": 503, "json": problem}):
        inbox.sign_out()
        expect(inbox.notice).to_contain_text("You are signed out in this browser only")
    expect(inbox.notice).to_contain_text("it could not be deleted")
    link = inbox.notice.get_by_role("link", name="Sign out at Microsoft too")
    expect(link).to_have_attribute("href", "https://login.example/logout")
    expect(inbox.rows).to_have_count(0)
