"""A believable mailbox out of a few kilobytes of text: the same messages every time, dated relative to the clock.

The JSON files beside this module hold conversations (`threads`), things that come again and again (`series`) and odd
single messages (`special`). Hours count back from now. Attachments are written `name|content type|size`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dev.sandbox.graph.mailbox import Item
from dev.sandbox.mail.builder import Letter, MessageBuilder, number_from, stamp
from dev.sandbox.mail.rendering import letter, meeting, newsletter, notice

HIDDEN_EVERY = 37
HOUR = 3600.0


def generate(mailbox: str, now: float) -> list[Item]:
    """The messages of "work" or "personal", newest first; `now` in seconds since the epoch."""
    data = json.loads((Path(__file__).parent / f"{mailbox}.json").read_text("utf-8"))
    builder = MessageBuilder(mailbox, data["owner"], data["correspondents"])
    letters = [*_threads(data, builder, now), *_series(data, builder, now), *_special(data, now)]
    letters.sort(key=lambda letter: letter.when, reverse=True)
    items = [builder.build(letter) for letter in letters]
    _make_ids_differ_by_case_only(items[0], items[1])
    return list(_with_hidden_items(items, builder, now))


def _threads(data: Mapping[str, Any], builder: MessageBuilder, now: float) -> Iterator[Letter]:
    for thread in data["threads"]:
        subject: str = thread["subject"]
        people = list(dict.fromkeys(sender for sender, *_ in thread["messages"]))
        ages = _ages(thread["hours"], subject, len(thread["messages"]))
        quoted: str | None = None
        for position, (sender, text, *rest) in enumerate(thread["messages"]):
            when = now - ages[position] * HOUR
            is_last = position == len(ages) - 1
            body = letter(text, builder.signature(sender), quoted)
            yield Letter(
                sender=sender,
                recipients=[key for key in people if key != sender] or ["me"],
                subject=f"Re: {subject}" if position else subject,
                body=body,
                when=when,
                conversation=subject,
                attachments=rest[0] if rest else (),
                importance=thread.get("importance", "normal"),
                unread=is_last and sender != "me" and bool(thread.get("unread")),
                flagged=is_last and number_from(subject, 5) == 0,
            )
            quoted = builder.quotation(sender, subject, when, body)


def _ages(last: float, subject: str, count: int) -> list[float]:
    """Hours before now, oldest first: people answer within half an hour to nine hours."""
    ages = [last]
    for position in range(count - 1):
        ages.append(ages[-1] + 0.5 + number_from(f"{subject}{position}", 90) / 10)
    return ages[::-1]


def _series(data: Mapping[str, Any], builder: MessageBuilder, now: float) -> Iterator[Letter]:
    forms: dict[str, Callable[..., str]] = {"notice": notice, "newsletter": newsletter, "meeting": meeting}
    for series in data["series"]:
        items = series.get("items", [])
        for position in range(series["count"]):
            when = now - (series["first"] + series["every"] * position) * HOUR
            values = {name: choices[position % len(choices)] for name, choices in series["values"].items()}
            values["date"] = f"{datetime.fromtimestamp(when, UTC) + timedelta(days=2):%d.%m.%Y}"
            subject = series["subject"].format_map(values)
            chosen = [items[(position + step) % len(items)] for step in range(min(3, len(items)))]
            yield Letter(
                sender=series["from"],
                recipients=["me"],
                subject=subject,
                body=forms[series["form"]](
                    subject=subject,
                    text=series.get("text", "").format_map(values),
                    items=chosen,
                    sender=builder.address(series["from"]),
                ),
                when=when,
                conversation=f"{series['from']} {subject}",
                form=series["form"],
                attachments=series.get("attachments", ()),
                folder=series.get("folder"),
                unread=position < series.get("unread", 0) or number_from(f"{subject}{position}", 19) == 0,
            )


def _special(data: Mapping[str, Any], now: float) -> Iterator[Letter]:
    for special in data["special"]:
        kind, text = special["kind"], special.get("text", "")
        yield Letter(
            sender=special.get("from", "me"),
            recipients=[] if kind in ("draft", "no_recipient") else ["me"],
            subject="" if kind == "empty_subject" else special["subject"],
            body=letter(text, "", None) if text else "",
            when=now - special["hours"] * HOUR,
            conversation=f"{kind} {special['hours']}",
            attachments=special.get("attachments", ()),
            draft=kind == "draft",
        )


def _make_ids_differ_by_case_only(first: Item, second: Item) -> None:
    """Ids are case-sensitive; a store that ignores case would open the wrong message."""
    assert isinstance(first.message, dict) and isinstance(second.message, dict)
    position = next(index for index, sign in enumerate(first.message["id"][60:], 60) if sign.isalpha())
    message_id = first.message["id"]
    second.message["id"] = f"{message_id[:position]}{message_id[position].swapcase()}{message_id[position + 1 :]}"


def _with_hidden_items(items: list[Item], builder: MessageBuilder, now: float) -> Iterator[Item]:
    """Chat items lie in the same store: Graph counts them in $skip and shows none."""
    for position, item in enumerate(items):
        if position % HIDDEN_EVERY == HIDDEN_EVERY - 1:
            yield Item({"id": builder.new_id(f"hidden {position}"), "receivedDateTime": stamp(now)}, hidden=True)
        yield item
