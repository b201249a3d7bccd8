"""Times are the viewer's own, ordered by instant, and never ambiguous."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dev.sandbox.serving import Sandbox
from tests.browser.conftest import OpenInbox
from tests.browser.inbox import Inbox
from tests.browser.mail import message

INSTANTS = [
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2026-03-29T00:59:59Z",
    "2026-03-29T01:00:00Z",
    "2026-12-31T23:30:00Z",
    "2026-10-25T00:30:00.1234567Z",
]
NEWEST_FIRST = [INSTANTS[4], INSTANTS[1], INSTANTS[5], INSTANTS[0], INSTANTS[3], INSTANTS[2]]
ZONES = {
    "Europe/Zurich": [
        ("1 Jan 2027", "00:30 GMT+1"),
        ("25 Oct", "02:30 GMT+1"),
        ("25 Oct", "02:30 GMT+2"),
        ("25 Oct", "02:30 GMT+2"),
        ("29 Mar", "03:00 GMT+2"),
        ("29 Mar", "01:59 GMT+1"),
    ],
    "Asia/Kolkata": [
        ("1 Jan 2027", "05:00 GMT+5:30"),
        ("25 Oct", "07:00 GMT+5:30"),
        ("25 Oct", "06:00 GMT+5:30"),
        ("25 Oct", "06:00 GMT+5:30"),
        ("29 Mar", "06:30 GMT+5:30"),
        ("29 Mar", "06:29 GMT+5:30"),
    ],
    "America/St_Johns": [
        ("31 Dec", "20:00 GMT-3:30"),
        ("24 Oct", "23:00 GMT-2:30"),
        ("24 Oct", "22:00 GMT-2:30"),
        ("24 Oct", "22:00 GMT-2:30"),
        ("28 Mar", "22:30 GMT-2:30"),
        ("28 Mar", "22:29 GMT-2:30"),
    ],
}


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_sees_its_own_day_in_the_same_order_and_can_tell_the_two_half_past_two_apart(
    zone: str, open_inbox: OpenInbox, sandbox: Sandbox
) -> None:
    mail = [message(number, receivedDateTime=instant) for number, instant in enumerate(INSTANTS)]
    sandbox.control.mailbox("work", mail)
    inbox = open_inbox(timezone_id=zone)
    inbox.page.clock.set_fixed_time("2026-11-25T12:00:00Z")
    inbox.sign_in()
    times = inbox.page.locator("a.row time")
    assert [time.get_attribute("datetime") for time in times.all()] == NEWEST_FIRST
    for time, (day, complete) in zip(times.all(), ZONES[zone], strict=True):
        expect(time).to_have_text(day)
        assert (time.get_attribute("title") or "").endswith(complete)
    inbox.open(0)
    expect(inbox.reader.locator("time")).to_contain_text(ZONES[zone][0][1])


SHORT = {
    "2026-11-25T07:05:00Z": "08:05",
    "2026-11-24T23:30:00Z": "00:30",
    "2026-11-24T22:30:00Z": "Yesterday 23:30",
    "2026-11-21T11:00:00Z": "Sat 12:00",
    "2026-11-18T11:00:00Z": "18 Nov",
    "2025-11-25T11:00:00Z": "25 Nov 2025",
    "0001-01-01T00:00:00Z": "(no date)",
    "9999-12-31T23:59:59Z": "1 Jan 10000",
    "2026-02-30T99:00:00Z": "(no date)",
    None: "(no date)",
    1764000000: "(no date)",
}


def test_near_times_are_short_and_absurd_ones_do_no_harm(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", [message(n, subject=f"{at}", receivedDateTime=at) for n, at in enumerate(SHORT)])
    inbox.page.clock.set_fixed_time("2026-11-25T12:00:00Z")
    inbox.sign_in()
    shown = {row.locator(".row-subject").text_content(): row.locator("time").text_content() for row in inbox.rows.all()}
    assert shown == {f"{at}": text for at, text in SHORT.items()}


def test_a_page_left_open_past_midnight_brings_its_times_up_to_date(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", [message(0, receivedDateTime="2026-11-25T22:50:00Z")])
    inbox.page.clock.install(time="2026-11-25T22:58:00Z")
    inbox.sign_in()
    expect(inbox.page.locator("a.row time")).to_have_text("23:50")
    inbox.page.clock.run_for(3 * 60_000)
    expect(inbox.page.locator("a.row time")).to_have_text("Yesterday 23:50")
