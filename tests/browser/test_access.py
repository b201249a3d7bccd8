"""For every eye, ear, hand and screen; and the pictures that the README shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import NARROW, WIDE, OpenInbox, Scheme
from tests.browser.inbox import Inbox
from tests.browser.mail import message, messages

THROTTLED = {"status": 429, "headers": {"Retry-After": "60"}, "body": {"error": {"code": "ApplicationThrottled"}}}


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_any_state(
    scheme: Scheme, viewport: dict[str, int], open_inbox: OpenInbox, sandbox: Sandbox
) -> None:
    marked = message(0, isRead=False, isDraft=True, hasAttachments=True, importance="high")
    sandbox.control.mailbox("work", [marked | {"flag": {"flagStatus": "flagged"}}, {"id": "bare"}, *messages(60)[2:]])
    inbox = open_inbox(viewport=viewport, color_scheme=scheme).visit()
    expect(inbox.welcome).to_be_visible()
    assert inbox.findings() == [], "signed out"
    inbox.sign_in()
    assert inbox.findings() == [], "list"
    inbox.page.locator(".account-button").click()
    assert inbox.findings() == [], "account"
    inbox.page.get_by_role("button", name="Keyboard shortcuts").click()
    assert inbox.findings() == [], "help"
    inbox.page.get_by_role("button", name="Close").click()
    inbox.open(0)
    assert inbox.findings() == [], "message"
    sandbox.control.fault("graph.messages", THROTTLED)
    inbox.visit()
    expect(inbox.notice).to_be_visible()
    assert inbox.findings() == [], "throttled"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_pages_that_functions_write(scheme: Scheme, open_inbox: OpenInbox) -> None:
    inbox = open_inbox(viewport=NARROW, color_scheme=scheme)
    for path in ("/auth/logout", "/auth/callback?code=c&state=s"):
        inbox.visit(path)
        assert inbox.findings() == [], path
        assert not inbox.scrolls_sideways()


LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3


# 200 % zoom of a 1280 pixel window leaves 640, of a 640 pixel window 320.
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_nothing_scrolls_sideways_at_any_width(width: int, open_inbox: OpenInbox, sandbox: Sandbox) -> None:
    long = message(0, author=LONG, subject=LONG, bodyPreview=LONG, body={"contentType": "text", "content": LONG})
    sandbox.control.mailbox("work", [long | {"importance": "high", "hasAttachments": True}, *messages(3)[1:]])
    sandbox.control.person("work", name=LONG)
    inbox = open_inbox(viewport={"width": width, "height": 600}).visit()
    expect(inbox.welcome).to_be_visible()
    assert not inbox.scrolls_sideways(), "signed out"
    inbox.sign_in()
    assert not inbox.scrolls_sideways(), "list"
    inbox.page.locator(".account-button").click()
    assert not inbox.scrolls_sideways(), "account"
    inbox.page.keyboard.press("Escape")
    inbox.open(0)
    assert not inbox.scrolls_sideways(), "message"
    expect(inbox.page.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)
    sandbox.control.fault("graph.messages", THROTTLED)
    inbox.visit()
    expect(inbox.notice).to_be_visible()
    assert not inbox.scrolls_sideways(), "throttled"


def test_everything_can_be_done_with_the_keyboard(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(30))
    inbox.visit()
    keys = inbox.page.keyboard
    expect(inbox.welcome).to_be_visible()
    keys.press("Tab")
    expect(inbox.page.get_by_role("link", name="Skip to the mail")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(inbox.page.get_by_role("link", name="Sign in", exact=True)).to_be_focused()
    keys.press("Enter")
    inbox.page.wait_for_url("**/authorize?*")
    inbox.choose("work")

    keys.press("j")
    expect(inbox.rows.first).to_be_focused()
    keys.press("ArrowDown")
    keys.press("j")
    expect(inbox.rows.nth(2)).to_be_focused()
    keys.press("k")
    keys.press("ArrowUp")
    expect(inbox.rows.first).to_be_focused()
    outline = inbox.rows.first.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid", "focus is to be seen"
    keys.press("Enter")
    expect(inbox.body).to_have_text("Text of message 0.")
    expect(inbox.reader.get_by_role("heading", level=1)).to_be_focused()
    keys.press("j")
    expect(inbox.body).to_have_text("Text of message 1.")
    keys.press("u")
    expect(inbox.reader).to_be_hidden()
    expect(inbox.rows.nth(1)).to_be_focused()
    keys.press("Enter")
    expect(inbox.body).to_be_visible()
    keys.press("Escape")
    expect(inbox.reader).to_be_hidden()

    inbox.rows.last.focus()
    keys.press("Tab")
    expect(inbox.page.get_by_role("button", name="Older messages")).to_be_focused()
    keys.press("Enter")
    expect(inbox.rows).to_have_count(30)
    expect(inbox.rows.nth(25)).to_be_focused()
    keys.press("?")
    expect(inbox.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    expect(inbox.page.get_by_role("dialog")).to_be_hidden()


def test_single_letter_shortcuts_can_be_switched_off(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    inbox.page.keyboard.press("?")
    inbox.page.get_by_role("checkbox").uncheck()
    inbox.page.get_by_role("button", name="Close").click()
    inbox.page.keyboard.press("j")
    expect(inbox.page.locator("a.row:focus")).to_have_count(0)
    inbox.open(0)
    inbox.page.keyboard.press("Escape")
    expect(inbox.reader).to_be_hidden()


def test_shortcuts_leave_the_browsers_own_alone(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    for key in ("Control+j", "Alt+k", "Meta+u"):
        inbox.page.keyboard.press(key)
    expect(inbox.page.locator("a.row:focus")).to_have_count(0)
    with inbox.context.expect_page() as opened:
        inbox.rows.first.click(modifiers=["ControlOrMeta"])
    expect(opened.value.locator("#reader .body")).to_have_text("Text of message 0.")
    expect(inbox.reader).to_be_hidden()


def test_a_printed_message_has_the_message_and_nothing_else(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    inbox.open(0)
    inbox.page.emulate_media(media="print")
    expect(inbox.body).to_be_visible()
    expect(inbox.rows.first).to_be_hidden()
    expect(inbox.page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_nothing_moves_for_people_who_asked_for_that(open_inbox: OpenInbox) -> None:
    inbox = open_inbox(reduced_motion="reduce").sign_in()
    inbox.open(0)
    moving = "() => document.getAnimations().filter((one) => one.effect.getTiming().duration > 10).length"
    assert inbox.page.evaluate(moving) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pictures_for_the_readme_are_taken(scheme: Scheme, open_inbox: OpenInbox, screenshots: Path) -> None:
    inbox = open_inbox(color_scheme=scheme, device_scale_factor=1.5).sign_in()
    inbox.open(3)
    picture = screenshots / f"inbox-{scheme}.png"
    inbox.page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000
