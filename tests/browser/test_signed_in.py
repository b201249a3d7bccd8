"""The dialog "Where you are signed in", in every state that the server's answers can put it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, OpenInbox, Scheme
from tests.browser.inbox import Inbox
from tests.browser.sessions import HERE, LIBRARY, PHONE, Sessions, problem

DOWN = problem(503, "storage_unavailable")


def test_every_session_is_listed_with_its_device_and_times_and_this_one_is_marked(inbox: Inbox) -> None:
    inbox.page.clock.set_fixed_time("2026-06-01T14:00:00Z")
    inbox.sign_in()
    Sessions(inbox.page, [HERE | {"last_seen": "2026-06-01T13:59:00Z"}, PHONE | {"created": "2026-05-31T05:00:00Z"}])
    inbox.list_sessions()
    rows = inbox.signed_in.get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Chrome on Windows This browser")
    expect(rows.first).to_contain_text("Since: 09:05 Last seen: 15:59")
    expect(rows.first.get_by_role("button")).to_have_count(0)
    expect(rows.last).to_contain_text("Since: Yesterday 07:00 Last seen: 14:59")
    expect(rows.last).not_to_contain_text("This browser")
    expect(rows.last.get_by_role("button", name="Sign out Safari on iPhone")).to_be_visible()
    expect(inbox.signed_in).to_contain_text("If you do not know one of these, sign it out.")


def test_the_list_is_reached_and_used_with_the_keyboard_alone_and_focus_is_never_lost(inbox: Inbox) -> None:
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE, LIBRARY])
    keys = inbox.page.keyboard
    inbox.page.locator(".account-button").focus()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Tab")
    expect(inbox.page.get_by_role("button", name="Where you are signed in")).to_be_focused()
    keys.press("Enter")
    expect(inbox.page.get_by_role("heading", name="Where you are signed in")).to_be_focused()
    expect(inbox.signed_in.get_by_role("listitem")).to_have_count(3)
    keys.press("Tab")
    expect(inbox.page.get_by_role("button", name="Sign out Safari on iPhone")).to_be_focused()
    keys.press("Enter")
    expect(inbox.signed_in).to_contain_text("Signed out: Safari on iPhone.")
    expect(inbox.page.get_by_role("button", name="Sign out Edge on Windows")).to_be_focused()
    keys.press("Enter")
    expect(inbox.signed_in).to_contain_text("Signed out: Edge on Windows. You are signed in nowhere else.")
    expect(inbox.page.get_by_role("heading", name="Where you are signed in")).to_be_focused()
    assert server.asked == ["GET", f"DELETE {PHONE['number']}", "GET", f"DELETE {LIBRARY['number']}", "GET"]
    keys.press("Escape")
    expect(inbox.signed_in).to_be_hidden()
    expect(inbox.page.locator(".account-button")).to_be_focused()


def test_a_session_that_has_ended_meanwhile_leaves_the_list_without_an_alarm(inbox: Inbox) -> None:
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE, LIBRARY])
    inbox.list_sessions()
    expect(inbox.signed_in.get_by_role("listitem")).to_have_count(3)
    server.listed = [HERE, LIBRARY]
    inbox.page.get_by_role("button", name="Sign out Safari on iPhone").click()
    expect(inbox.signed_in.get_by_role("listitem")).to_have_count(2)
    expect(inbox.notice).to_have_count(0)


def test_signing_out_everywhere_asks_first_and_then_leaves_by_way_of_microsoft(inbox: Inbox) -> None:
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE])
    inbox.list_sessions()
    inbox.signed_in.get_by_text("Sign out everywhere", exact=True).click()
    expect(inbox.signed_in).to_contain_text("Every session ends at once, in this browser too.")
    assert server.asked == ["GET"]
    inbox.signed_in.get_by_role("button", name="Yes, sign out everywhere").click()
    inbox.page.wait_for_url(f"{inbox.url}/?left")
    assert server.asked == ["GET", "DELETE"]


def test_a_question_that_was_left_open_is_asked_anew(inbox: Inbox) -> None:
    inbox.sign_in()
    Sessions(inbox.page, [HERE, PHONE])
    inbox.list_sessions()
    inbox.signed_in.get_by_text("Sign out everywhere", exact=True).click()
    inbox.signed_in.get_by_role("button", name="Close").click()
    inbox.list_sessions()
    expect(inbox.signed_in.get_by_role("button", name="Yes, sign out everywhere")).to_be_hidden()


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ([HERE], "You are signed in nowhere else."),
        ([], "No session is on record. To be sure, sign out everywhere."),
        (None, "No session is on record. To be sure, sign out everywhere."),
    ],
)
def test_a_list_with_nothing_to_end_says_so(listed: list[dict[str, str]], sentence: str, inbox: Inbox) -> None:
    inbox.sign_in()
    Sessions(inbox.page, listed)
    inbox.list_sessions()
    expect(inbox.signed_in).to_contain_text(sentence)
    expect(inbox.signed_in.get_by_text("Sign out everywhere", exact=True)).to_be_visible()


def test_a_list_that_cannot_be_had_says_why_and_can_be_asked_for_again(inbox: Inbox) -> None:
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE], DOWN)
    inbox.list_sessions()
    expect(inbox.signed_in).to_contain_text("Detail of storage_unavailable.")
    expect(inbox.signed_in.get_by_text("Sign out everywhere", exact=True)).to_be_visible()
    server.problem = None
    inbox.signed_in.get_by_role("button", name="Try again").click()
    expect(inbox.signed_in.get_by_role("listitem")).to_have_count(2)
    expect(inbox.notice).to_have_count(0)


def test_a_session_that_cannot_be_ended_stays_in_the_list_and_can_be_tried_again(inbox: Inbox) -> None:
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE])
    inbox.list_sessions()
    button = inbox.page.get_by_role("button", name="Sign out Safari on iPhone")
    expect(button).to_be_visible()
    server.problem = DOWN
    button.click()
    expect(inbox.signed_in).to_contain_text("Detail of storage_unavailable.")
    expect(inbox.signed_in.get_by_role("listitem")).to_have_count(2)
    server.problem = None
    inbox.signed_in.get_by_role("button", name="Try again").click()
    expect(inbox.signed_in).to_contain_text("Signed out: Safari on iPhone. You are signed in nowhere else.")


def test_a_failed_sign_out_everywhere_keeps_the_mail_and_nothing_happens_after_the_dialog_was_closed(
    inbox: Inbox,
) -> None:
    inbox.page.clock.install()
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE])
    inbox.list_sessions()
    inbox.signed_in.get_by_text("Sign out everywhere", exact=True).click()
    server.problem, server.headers = DOWN, {"Retry-After": "5"}
    inbox.signed_in.get_by_role("button", name="Yes, sign out everywhere").click()
    expect(inbox.signed_in).to_contain_text("Trying again in")
    expect(inbox.rows.first).to_be_visible()
    inbox.signed_in.get_by_role("button", name="Close").click()
    inbox.page.clock.run_for(60_000)
    server.problem = None
    inbox.list_sessions()
    expect(inbox.signed_in).to_contain_text("If you do not know one of these")
    assert server.asked == ["GET", "DELETE", "GET"]


def test_a_session_found_dead_closes_the_dialog_and_takes_the_devices_out_of_the_document(inbox: Inbox) -> None:
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE])
    inbox.list_sessions()
    button = inbox.page.get_by_role("button", name="Sign out Safari on iPhone")
    expect(button).to_be_visible()
    server.problem = problem(401, "not_signed_in", login_url=f"{inbox.url}/auth/login?return_to=/")
    button.click()
    expect(inbox.welcome).to_contain_text("Your session has ended")
    expect(inbox.signed_in).to_be_hidden()
    assert "Safari on iPhone" not in inbox.text()


# 200 % zoom of a 1280 pixel window leaves 640, of a 640 pixel window 320.
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_labels_of_any_kind_are_shown_as_text_and_nothing_scrolls_sideways(width: int, open_inbox: OpenInbox) -> None:
    inbox = open_inbox(viewport={"width": width, "height": 480}).sign_in()
    labels = ["<img src=x onerror=alert(1)>", "W" * 300, "\u202eenohPi", "", None, 7]
    Sessions(inbox.page, [PHONE | {"device": label, "created": None, "last_seen": "soon"} for label in labels])
    inbox.list_sessions()
    expect(inbox.signed_in.get_by_role("listitem")).to_have_count(len(labels))
    expect(inbox.signed_in.get_by_text("<img src=x")).to_be_visible()
    expect(inbox.signed_in.get_by_text("Unknown browser")).to_have_count(3)
    dialog = inbox.signed_in.evaluate("element => element.scrollWidth - element.clientWidth")
    assert (dialog, inbox.scrolls_sideways()) == (0, False)
    inbox.signed_in.get_by_role("button", name="Close").scroll_into_view_if_needed()
    expect(inbox.signed_in.get_by_role("button", name="Close")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_any_state_of_the_dialog(
    scheme: Scheme, viewport: dict[str, int], open_inbox: OpenInbox
) -> None:
    inbox = open_inbox(viewport=viewport, color_scheme=scheme).sign_in()
    server = Sessions(inbox.page, [HERE, PHONE, LIBRARY])
    inbox.list_sessions()
    expect(inbox.signed_in.get_by_role("listitem")).to_have_count(3)
    assert inbox.findings() == [], "list"
    inbox.signed_in.get_by_text("Sign out everywhere", exact=True).click()
    assert inbox.findings() == [], "question"
    server.problem = DOWN
    inbox.signed_in.get_by_role("button", name="Yes, sign out everywhere").click()
    expect(inbox.notice).to_be_visible()
    assert inbox.findings() == [], "failed"
