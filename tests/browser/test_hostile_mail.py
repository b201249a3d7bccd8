"""What others write into a mail stays text, and what they leave out does no harm."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Error, expect

from dev.sandbox.serving import Sandbox
from tests.browser.inbox import Inbox
from tests.browser.mail import message, messages

HOSTILE = [
    "<img src=x onerror=window.ran=1>",
    "<script>window.ran=1</script>",
    "<svg onload=window.ran=1>",
    "\"><iframe srcdoc='<script>parent.ran=1</script>'>",
    "javascript:window.ran=1",
    "{{constructor.constructor('window.ran=1')()}}",
    "</template></title></textarea><body onload=window.ran=1>",
    "\u202egnihton\u202c \u2066isolate\u2069",
    "\ud800 lone \udc00",
    "\u0000\u0007\u001b[31m",
    "x" * 5000,
    "a\u0301\u0302\u0303" * 500,
]


def hostile_message(number: int, text: str) -> dict[str, Any]:
    """`text` in every place that takes one."""
    somebody = [{"emailAddress": {"name": text, "address": text}}]
    return message(
        number,
        author=text,
        address=text,
        subject=text,
        bodyPreview=text,
        body={"contentType": "text", "content": text},
        toRecipients=somebody,
        ccRecipients=somebody,
        importance=text,
        receivedDateTime=text,
        flag={"flagStatus": text},
    )


def test_hostile_text_is_shown_and_never_runs(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", [hostile_message(number, text) for number, text in enumerate(HOSTILE)])
    inbox.sign_in()
    expect(inbox.rows).to_have_count(len(HOSTILE))
    for number in range(len(HOSTILE)):
        inbox.open(number)
        assert inbox.page.locator("script, iframe, img, object, embed").count() == 2, "our own script and the icon"
        assert inbox.page.locator("main svg:not(.mark)").count() == 0
        assert not inbox.scrolls_sideways()
    assert not inbox.page.evaluate("window.ran")


def test_an_html_body_is_shown_as_text_and_fetches_nothing(inbox: Inbox, sandbox: Sandbox) -> None:
    html = '<p>Hello</p><img src="http://127.0.0.1:9/pixel"><script>window.ran=1</script>'
    sandbox.control.mailbox("work", [message(0, body={"contentType": "html", "content": html})])
    asked: list[str] = []
    inbox.sign_in()
    inbox.page.on("request", lambda request: asked.append(request.url))
    inbox.open(0)
    expect(inbox.body).to_contain_text("Hello")
    assert [url for url in asked if not url.startswith(inbox.url)] == []
    assert not inbox.page.evaluate("window.ran")


DIRECTORY_PATH = "/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)/CN=RECIPIENTS/CN=0F3C9A-DESK"
ODD: list[dict[str, Any]] = [
    {
        "id": "n1",
        "subject": None,
        "from": None,
        "sender": None,
        "toRecipients": [],
        "receivedDateTime": None,
        "isRead": None,
        "bodyPreview": None,
        "body": None,
        "hasAttachments": None,
        "importance": None,
        "isDraft": True,
    },
    {"id": "n2"},
    {"id": "n3", "from": {"emailAddress": None}},
    {"id": "n4", "from": {"emailAddress": {"name": "", "address": ""}}, "subject": ""},
    {
        "id": "n5",
        "from": {"emailAddress": {"address": DIRECTORY_PATH}},
    },
    {"id": "n6", "toRecipients": None, "ccRecipients": None},
]


def test_messages_with_nothing_in_them_are_listed_with_honest_placeholders_and_open(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    first, last = messages(2)
    sandbox.control.mailbox("work", [first, *ODD, last])
    inbox.sign_in()
    expect(inbox.rows).to_have_count(8)
    expect(inbox.rows.first).to_contain_text("Subject 0")
    expect(inbox.rows.last).to_contain_text("Subject 1")
    for number in range(8):
        inbox.open(number)
        expect(inbox.reader.get_by_role("heading", level=1)).not_to_be_empty()
        for word in ("null", "undefined", "Invalid Date", "NaN", "[object"):
            assert word not in inbox.page.locator("body").inner_text()
    for number in (1, 2, 3, 4, 6):
        expect(inbox.rows.nth(number)).to_contain_text("(unknown sender)")
        expect(inbox.rows.nth(number)).to_contain_text("(no subject)")
        expect(inbox.rows.nth(number)).to_contain_text("(no date)")
    expect(inbox.rows.nth(5)).to_contain_text("0F3C9A-DESK")
    expect(inbox.rows.nth(1)).to_contain_text("Draft")


def test_only_addresses_that_mail_can_be_sent_to_become_links(inbox: Inbox, sandbox: Sandbox) -> None:
    addresses = [
        "ada@example.com",
        "/O=EXCHANGELABS/OU=GROUP/CN=RECIPIENTS/CN=ada@example.com",
        "ada@example.com?cc=eve@example.com&body=hello",
        "javascript:alert(1)@example.com",
        "ada@example.com,eve@example.com",
        "odd+tag%20@example.com",
    ]
    mail = [message(number, author="Ada", address=address) for number, address in enumerate(addresses)]
    sandbox.control.mailbox("work", mail)
    inbox.sign_in()
    links = []
    for number in range(len(addresses)):
        inbox.open(number)
        expect(inbox.body).to_have_text(f"Text of message {number}.")
        link = inbox.reader.locator('a[href^="mailto:"]')
        links.append(link.get_attribute("href") if link.count() else None)
    assert links[0] == "mailto:ada@example.com"
    assert links[1] is None
    assert links[2] in (None, "mailto:ada@example.com%3Fcc%3Deve%40example.com%26body%3Dhello")
    assert links[3:5] == [None, None]
    assert links[5] == "mailto:odd%2Btag%2520@example.com"
    assert inbox.page.locator('#main a[href^="javascript"]').count() == 0


def test_names_in_every_script_keep_their_code_points(inbox: Inbox, sandbox: Sandbox) -> None:
    name = "Zoë 𝒜𝓁𝒾 👩🏽‍🚀 محمد"
    sandbox.control.person("work", name=name)
    sandbox.control.mailbox("work", [message(0, author=name, subject="جدول الاجتماع القادم")])
    inbox.sign_in()
    assert inbox.page.locator(".account-button bdi").text_content() == name
    assert inbox.rows.locator(".row-from").text_content() == name
    inbox.open(0)
    assert inbox.reader.locator(".person-name").text_content() == name
    assert inbox.reader.get_by_role("heading", level=1).evaluate("element => element.matches(':dir(rtl)')")


def test_trusted_types_stop_even_our_own_scripts_from_writing_markup(inbox: Inbox) -> None:
    inbox.sign_in()
    with pytest.raises(Error, match="TrustedHTML"):
        inbox.page.evaluate("document.createElement('div').innerHTML = '<b>bold</b>'")
    assert inbox.complaints
    assert all("TrustedHTML" in complaint for complaint in inbox.complaints)
    inbox.complaints.clear()
