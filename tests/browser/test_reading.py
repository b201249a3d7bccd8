"""The main job: sign in, read, page, go back."""

from __future__ import annotations

from playwright.sync_api import expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import OpenInbox
from tests.browser.inbox import Inbox
from tests.browser.mail import message, messages


def test_a_stranger_is_told_what_is_read_what_the_browser_gets_and_what_is_kept(inbox: Inbox) -> None:
    inbox.visit()
    expect(inbox.welcome).to_be_visible()
    expect(inbox.welcome).to_contain_text("Your name and your mail")
    expect(inbox.welcome).to_contain_text("No token ever reaches the browser")
    expect(inbox.welcome).to_contain_text("until you sign out or it expires")
    expect(inbox.page.get_by_role("link", name="Use another account").first).to_be_visible()
    expect(inbox.rows).to_have_count(0)


def test_a_person_signs_in_reads_pages_and_goes_back(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(60))
    inbox.sign_in_by_hand()
    expect(inbox.rows).to_have_count(25)
    expect(inbox.rows.first).to_contain_text("Subject 0")

    inbox.page.get_by_role("button", name="Older messages").click()
    expect(inbox.rows).to_have_count(50)
    expect(inbox.page.locator("#announcer")).to_have_text("25 more messages, 50 in all.")
    inbox.page.get_by_role("button", name="Older messages").click()
    expect(inbox.rows).to_have_count(60)
    expect(inbox.page.locator("#list-end")).to_have_text("That is all: 60 messages.")

    inbox.open(41)
    expect(inbox.body).to_have_text("Text of message 41.")
    expect(inbox.reader).to_contain_text("Sender 41")
    assert "?message=" in inbox.page.url
    inbox.back()
    expect(inbox.reader).to_be_hidden()
    assert inbox.is_at_home()
    expect(inbox.rows).to_have_count(60)


def test_signing_in_with_another_account_asks_for_one(inbox: Inbox, sandbox: Sandbox) -> None:
    inbox.visit()
    inbox.page.get_by_role("link", name="Use another account").first.click()
    expect(inbox.page.get_by_role("heading", name="Pick an account")).to_be_visible()
    assert "prompt=select_account" in sandbox.control.log(where="authorize")[-1]["query"]


def test_a_message_has_an_address_that_survives_a_reload_and_a_sign_in(
    inbox: Inbox, open_inbox: OpenInbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    inbox.open(1)
    inbox.page.reload()
    expect(inbox.body).to_have_text("Text of message 1.")

    address = inbox.page.url.removeprefix(inbox.url)
    elsewhere = open_inbox().sign_in_by_hand(path=address)
    expect(elsewhere.body).to_have_text("Text of message 1.")
    assert elsewhere.page.url == inbox.page.url


def test_back_from_a_second_message_leads_to_the_list(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    inbox.open(0)
    inbox.page.get_by_role("button", name="Older", exact=True).click()
    expect(inbox.body).to_have_text("Text of message 1.")
    inbox.back()
    expect(inbox.reader).to_be_hidden()
    assert inbox.is_at_home()


def test_back_to_the_list_finds_the_place_where_one_was_on_a_narrow_screen(
    open_inbox: OpenInbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(25))
    inbox = open_inbox(viewport={"width": 360, "height": 640}).sign_in()
    inbox.rows.nth(20).scroll_into_view_if_needed()
    before = inbox.page.evaluate("scrollY")
    assert before > 0
    inbox.open(20)
    inbox.page.get_by_role("button", name="Inbox").click()
    expect(inbox.rows.nth(20)).to_be_focused()
    assert inbox.page.evaluate("scrollY") == before


def test_unread_flagged_important_draft_and_attachments_are_marked_for_eyes_and_ears(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    marked = message(
        0, isRead=False, isDraft=True, hasAttachments=True, importance="high", flag={"flagStatus": "flagged"}
    )
    sandbox.control.mailbox("work", [marked, message(1)])
    inbox.sign_in()
    name = inbox.rows.first.aria_snapshot()
    for word in ("Unread", "Draft", "Important", "Flagged", "Has attachments"):
        assert word in name
        assert word not in inbox.rows.last.aria_snapshot()
    inbox.open(0)
    expect(inbox.reader.get_by_text("This message has attachments.")).to_be_visible()


def test_pages_that_are_empty_or_overlap_neither_end_the_list_nor_repeat_a_message(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(60))
    inbox.sign_in()
    sandbox.control.fault("graph.messages", {"change": {"value": []}})
    inbox.page.get_by_role("button", name="Older messages").click()
    expect(inbox.rows).to_have_count(35)
    expect(inbox.rows.last).to_contain_text("Subject 59")

    inbox.page.get_by_role("button", name="Refresh").click()
    expect(inbox.rows).to_have_count(25)
    sandbox.control.fault("graph.messages", {"change": {"value": messages(30)[20:]}})
    inbox.page.get_by_role("button", name="Older messages").click()
    expect(inbox.rows).to_have_count(30)


def test_refresh_shows_new_mail_and_says_so(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(2))
    inbox.sign_in()
    newest = message(9, receivedDateTime="2026-06-02T00:00:00Z")
    sandbox.control.mailbox("work", [newest, *messages(2)])
    inbox.page.get_by_role("button", name="Refresh").click()
    expect(inbox.rows.first).to_contain_text("Subject 9")
    expect(inbox.page.locator("#announcer")).to_have_text("New messages have arrived.")


def test_the_page_is_painted_before_mail_has_come_and_does_not_move_when_it_comes(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    inbox.sign_in()
    shift = "new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.moved += entry.value; })"
    inbox.page.add_init_script(f"window.moved = 0; {shift}.observe({{ type: 'layout-shift', buffered: true }});")
    sandbox.control.fault("graph.messages", {"delay": 2.0})
    inbox.page.reload()
    expect(inbox.page.locator("#skeleton")).to_be_visible()
    expect(inbox.page.get_by_role("heading", name="Inbox")).to_be_visible()
    place = inbox.page.locator("#skeleton div").first.bounding_box()
    expect(inbox.rows.first).to_be_visible()
    expect(inbox.page.locator("#skeleton")).to_be_hidden()
    assert inbox.rows.first.bounding_box() == place
    assert inbox.page.evaluate("window.moved") < 0.01


def test_an_empty_mailbox_says_so(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", [])
    inbox.sign_in()
    expect(inbox.page.locator("#list-end")).to_have_text("No messages. When mail arrives, it is shown here.")


def test_all_that_the_page_loads_weighs_less_than_64_kib(inbox: Inbox) -> None:
    inbox.visit()
    expect(inbox.welcome).to_be_visible()
    entries = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    pages = f"{entries}.filter((entry) => !/\\/(api|auth)\\//.test(entry.name))"
    sizes = dict(inbox.page.evaluate(f"{pages}.map((entry) => [entry.name, entry.decodedBodySize])"))
    assert len(sizes) > 10
    assert sum(sizes.values()) < 64 * 1024
