"""The generated mailboxes: believable, deterministic, and full of what real mailboxes hold."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from dev.sandbox.graph.mailbox import Item
from dev.sandbox.graph.query import MESSAGE_PROPERTIES
from dev.sandbox.html_to_text import html_to_text
from dev.sandbox.mail.generator import generate

NOW = 1_790_000_000.0
MAILBOXES = ["work", "personal"]


@pytest.fixture(scope="module", params=MAILBOXES)
def items(request: pytest.FixtureRequest) -> list[Item]:
    """One of the mailboxes, as it is on a certain day."""
    return generate(request.param, NOW)


@pytest.fixture
def messages(items: list[Item]) -> list[Any]:
    """Without what Graph hides."""
    return [item.message for item in items if not item.hidden]


def test_each_mailbox_has_at_least_200_messages_with_ids_of_their_own(items: list[Item], messages: list[Any]) -> None:
    assert len(messages) >= 200
    ids = [item.message["id"] for item in items] + [item.immutable_id for item in items if item.immutable_id]
    assert len(set(ids)) == len(ids)
    assert all(140 <= len(message["id"]) <= 160 for message in messages)
    assert any("/" in message["id"] for message in messages)


@pytest.mark.parametrize("mailbox", MAILBOXES)
def test_the_same_moment_gives_the_same_mail(mailbox: str) -> None:
    assert generate(mailbox, NOW) == generate(mailbox, NOW)


@pytest.mark.parametrize("mailbox", MAILBOXES)
def test_dates_are_relative_to_the_clock(mailbox: str) -> None:
    now = time.time()
    newest = datetime.fromisoformat(generate(mailbox, now)[0].message["receivedDateTime"])
    assert 0 < now - newest.timestamp() < 3600
    assert newest.tzinfo == UTC


def test_messages_are_ordered_newest_first(messages: list[Any]) -> None:
    dates = [message["receivedDateTime"] for message in messages]
    assert dates == sorted(dates, reverse=True)


def test_every_message_has_the_properties_that_graph_returns(messages: list[Any]) -> None:
    optional = {"sender", "from", "uniqueBody"}
    for message in messages:
        assert MESSAGE_PROPERTIES - optional <= set(message)
        assert len(message["bodyPreview"]) <= 255
        assert message["isDraft"] == ("from" not in message)


def test_conversations_have_replies(messages: list[Any]) -> None:
    conversations: dict[str, list[Any]] = {}
    for message in messages:
        conversations.setdefault(message["conversationId"], []).append(message)
    threads = [thread for thread in conversations.values() if len({message["subject"] for message in thread}) > 1]
    assert len(threads) >= 10
    assert any(message["subject"].startswith("Fw: ") for message in messages if message["subject"])
    replies = [message for message in messages if (message["subject"] or "").startswith("Re: ")]
    assert any("divRplyFwdMsg" in message["body"]["content"] for message in replies)


def test_some_messages_are_unread_flagged_important_or_have_attachments(messages: list[Any]) -> None:
    assert 3 <= sum(not message["isRead"] for message in messages) <= 40
    assert any(message["flag"]["flagStatus"] == "flagged" for message in messages)
    assert any(message["importance"] == "high" for message in messages)
    assert sum(message["hasAttachments"] for message in messages) >= 10


def test_there_are_newsletters_with_remote_pictures_and_machines_that_write_text(messages: list[Any]) -> None:
    contents = [message["body"] for message in messages]
    assert any('<img src="https://' in body["content"] for body in contents)
    assert any(body["contentType"] == "text" for body in contents)


def test_work_has_meetings() -> None:
    kinds = {item.message.get("meetingMessageType") for item in generate("work", NOW)}
    assert {"meetingRequest", "meetingCancelled"} <= kinds


def test_senders_and_subjects_are_as_odd_as_in_life() -> None:
    every = [item.message for mailbox in MAILBOXES for item in generate(mailbox, NOW) if not item.hidden]
    senders = [message["from"]["emailAddress"] for message in every if "from" in message]
    assert any(sender["address"].startswith("/O=") for sender in senders)
    assert any("name" not in sender for sender in senders)
    assert any(sender.get("name") == "" for sender in senders)
    assert any(sender == {"name": "", "address": ""} for sender in senders)
    assert any("from" not in message for message in every)
    assert {None, ""} <= {message["subject"] for message in every}
    assert any("<b>" in (message["subject"] or "") for message in every)
    assert any(len(message["subject"] or "") > 150 for message in every)
    assert any(message["bodyPreview"] == "" for message in every)
    assert any(message["toRecipients"] == [] for message in every)


@pytest.mark.parametrize(
    ("script", "first", "last"),
    [
        ("Latin with umlauts", "ä", "ü"),
        ("Japanese", "ぁ", "ん"),
        ("Chinese", "一", "鿿"),
        ("Arabic", "ء", "ي"),
        ("Devanagari", "ऀ", "ॿ"),
        ("Hangul", "가", "힣"),
        ("Cyrillic", "А", "я"),
        ("emoji", "🌀", "🛿"),
    ],
)
def test_several_scripts_are_written(script: str, first: str, last: str) -> None:
    text = "".join(item.message.get("bodyPreview", "") for mailbox in MAILBOXES for item in generate(mailbox, NOW))
    assert any(first <= letter <= last for letter in text), script


def test_html_becomes_text_as_a_reader_would_see_it() -> None:
    html = (
        "<html><head><style>p{color:red}</style><title>no</title></head><body><p>One &amp; <b>two</b><br>\r\nthree</p>"
        '<ul><li>a</li><li>b</li></ul><a href="https://x.example/">link</a><script>no()</script></body></html>'
    )
    assert html_to_text(html) == "One & two\r\nthree\r\n\r\na\r\n\r\nb\r\n\r\nlink<https://x.example/>"
