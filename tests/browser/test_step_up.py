"""Microsoft wants the person again: the page says why, keeps what it shows, and comes back to the same place."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import NARROW, WIDE, OpenInbox, Scheme
from tests.browser.inbox import Inbox
from tests.browser.mail import messages
from tests.browser.sessions import HERE, PHONE, Sessions, problem

ANY_LIST = "**/api/messages?*"
ANY_MESSAGE = "**/api/messages/*"


def refuse(inbox: Inbox, where: str, times: int | None = None) -> None:
    """Answers `where` as the server does while Microsoft waits for the person."""
    login_url = f"{inbox.url}/auth/login?step_up=1&return_to=/"
    answer = problem(401, "interaction_required", login_url=login_url)
    inbox.page.route(where, lambda route: route.fulfill(status=401, json=answer), times=times)


def way_back(link: Locator) -> dict[str, list[str]]:
    address = urlsplit(link.get_attribute("href") or "")
    assert address.path == "/auth/login"
    return parse_qs(address.query)


def test_a_list_that_microsoft_holds_back_keeps_its_rows_under_a_banner_with_one_button(inbox: Inbox) -> None:
    inbox.sign_in()
    refuse(inbox, ANY_LIST)
    inbox.page.get_by_role("button", name="Refresh").click()
    expect(inbox.banner).to_contain_text("Title of interaction_required")
    expect(inbox.banner).to_contain_text("Detail of interaction_required.")
    expect(inbox.page.locator("#announcer")).to_have_text("Title of interaction_required")
    expect(inbox.rows).to_have_count(25)
    expect(inbox.banner.locator("a, button")).to_have_count(1)
    again = inbox.banner.get_by_role("link", name="Sign in again")
    assert way_back(again) == {"step_up": ["1"], "return_to": ["/"]}

    inbox.page.unroute_all()
    inbox.page.get_by_role("button", name="Refresh").click()
    expect(inbox.banner).to_be_hidden()
    expect(inbox.rows).to_have_count(25)


def test_a_message_that_microsoft_holds_back_is_where_the_banner_leads_back_to(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    refuse(inbox, ANY_MESSAGE)
    for row in (0, 1):
        inbox.rows.nth(row).click()
        expect(inbox.reader.get_by_role("heading", level=1)).to_have_text(f"Subject {row}")
        expect(inbox.reader.locator(".body-skeleton")).to_have_count(0)
        expect(inbox.banner).to_be_visible()
        expect(inbox.rows).to_have_count(3)
        address = urlsplit(inbox.page.url)
        again = inbox.banner.get_by_role("link", name="Sign in again")
        assert way_back(again) == {"step_up": ["1"], "return_to": [f"/?{address.query}"]}


def test_older_messages_that_microsoft_holds_back_leave_the_list_and_its_button(inbox: Inbox) -> None:
    inbox.sign_in()
    refuse(inbox, ANY_LIST)
    inbox.page.get_by_role("button", name="Older messages").click()
    expect(inbox.banner).to_be_visible()
    expect(inbox.rows).to_have_count(25)
    expect(inbox.page.get_by_role("button", name="Older messages")).to_be_enabled()


def test_a_page_that_is_opened_meanwhile_offers_to_sign_in_again_and_to_sign_out(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    inbox.open(1)
    refuse(inbox, "**/auth/me")
    refuse(inbox, "**/api/**")
    inbox.page.reload()
    again = inbox.banner.get_by_role("link", name="Sign in again")
    assert way_back(again) == {"step_up": ["1"], "return_to": [f"/?{urlsplit(inbox.page.url).query}"]}
    inbox.page.unroute_all()
    inbox.banner.get_by_role("button", name="Sign out").click()
    expect(inbox.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    expect(inbox.banner).to_be_hidden()


def test_a_message_opened_by_its_address_waits_for_the_person_and_the_list_beside_it_is_shown(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in()
    inbox.open(1)
    refuse(inbox, ANY_MESSAGE)
    inbox.page.reload()
    expect(inbox.rows).to_have_count(3)
    expect(inbox.banner).to_be_visible()
    assert inbox.findings() == []


def test_a_look_at_who_is_signed_in_keeps_the_mail_of_a_session_that_waits_for_the_person(inbox: Inbox) -> None:
    inbox.page.clock.install()
    inbox.sign_in()
    refuse(inbox, "**/auth/me")
    inbox.page.clock.run_for(61_000)
    inbox.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(inbox.banner).to_be_visible()
    expect(inbox.rows).to_have_count(25)


def test_a_page_kept_for_back_shows_no_mail_while_microsoft_waits_for_whoever_is_signed_in(inbox: Inbox) -> None:
    inbox.sign_in()
    refuse(inbox, "**/auth/me")
    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    inbox.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(inbox.banner).to_be_visible()
    expect(inbox.rows).to_have_count(0)


def test_the_list_of_sessions_gives_way_to_the_banner(inbox: Inbox) -> None:
    inbox.sign_in()
    server = Sessions(inbox.page, [HERE, PHONE])
    server.problem = problem(401, "interaction_required", login_url=f"{inbox.url}/auth/login?step_up=1&return_to=/")
    inbox.list_sessions()
    expect(inbox.banner.get_by_role("link", name="Sign in again")).to_be_visible()
    expect(inbox.signed_in).to_be_hidden()
    expect(inbox.rows.first).to_be_visible()


def step_up(inbox: Inbox) -> None:
    """By the banner, through the sandbox's pages, and back."""
    inbox.banner.get_by_role("link", name="Sign in again").click()
    inbox.page.locator('button[name="person"][value="work"]').click()
    inbox.page.get_by_role("button", name="Approve").click()
    inbox.page.wait_for_url(f"{inbox.url}/**")


def test_whoever_steps_up_for_a_message_lands_on_that_message(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", messages(3))
    inbox.sign_in_by_hand()
    inbox.open(0)
    sandbox.control.demand_step_up("work", "graph.message")
    inbox.rows.nth(1).click()
    expect(inbox.banner).to_contain_text("Microsoft wants you to sign in again")
    expect(inbox.rows).to_have_count(3)
    expect(inbox.reader.get_by_role("heading", level=1)).to_have_text("Subject 1")
    address = inbox.page.url
    step_up(inbox)
    expect(inbox.body).to_have_text("Text of message 1.")
    assert inbox.page.url == address
    expect(inbox.banner).to_be_hidden()
    expect(inbox.rows).to_have_count(3)


def test_a_policy_on_the_next_refresh_keeps_the_mail_and_every_tab_goes_on_when_the_person_has_come(
    open_inbox: OpenInbox, sandbox: Sandbox
) -> None:
    sandbox.control.mailbox("work", messages(3))
    sandbox.control.settings(expires_in=60)
    inbox = open_inbox().sign_in_by_hand()
    other = open_inbox(inbox.context).visit()
    expect(other.rows).to_have_count(3)
    sandbox.control.demand_step_up("work", "token")
    sandbox.control.app_clock(61)
    for tab in (inbox, other):
        tab.page.get_by_role("button", name="Refresh").click()
        expect(tab.banner).to_be_visible()
        expect(tab.rows).to_have_count(3)
    step_up(inbox)
    for tab in (inbox, other):
        expect(tab.banner).to_be_hidden()
        tab.open(2)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_banner(
    scheme: Scheme, viewport: dict[str, int], open_inbox: OpenInbox
) -> None:
    inbox = open_inbox(viewport=viewport, color_scheme=scheme).sign_in()
    refuse(inbox, ANY_MESSAGE)
    inbox.rows.nth(3).click()
    expect(inbox.banner).to_be_visible()
    assert inbox.findings() == []
    assert not inbox.scrolls_sideways()
