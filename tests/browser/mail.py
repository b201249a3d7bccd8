"""Messages as Microsoft Graph has them, for mailboxes that tests fill."""

from __future__ import annotations

from typing import Any


def message(number: int, **changes: Any) -> dict[str, Any]:
    """An ordinary message; `changes` replace properties, `author` and `address` its sender."""
    author = changes.pop("author", f"Sender {number}")
    address = changes.pop("address", f"sender{number}@example.com")
    usual = {
        "id": f"AAMkAG{number:04d}=",
        "subject": f"Subject {number}",
        "from": {"emailAddress": {"name": author, "address": address}},
        "sender": {"emailAddress": {"name": author, "address": address}},
        "toRecipients": [{"emailAddress": {"name": "Maren Solberg", "address": "maren.solberg@example.com"}}],
        "ccRecipients": [],
        "receivedDateTime": f"2026-06-01T12:{59 - number % 60:02d}:00Z",
        "isRead": True,
        "isDraft": False,
        "hasAttachments": False,
        "importance": "normal",
        "flag": {"flagStatus": "notFlagged"},
        "bodyPreview": f"Preview {number}",
        "body": {"contentType": "text", "content": f"Text of message {number}."},
    }
    return usual | changes


def messages(count: int) -> list[dict[str, Any]]:
    return [message(number) for number in range(count)]
