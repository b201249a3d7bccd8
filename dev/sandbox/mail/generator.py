"""A deterministic mailbox."""

from __future__ import annotations

import time

from dev.sandbox.graph.mailbox import Item


def generate(mailbox: str, now: float) -> list[Item]:
    """Newest first."""
    items = []
    for number in range(220):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 900 - number * 7200))
        message_id = f"AAMkAD{mailbox}{number:04d}".ljust(150, "x") + "="
        items.append(
            Item(
                {
                    "@odata.etag": f'W/"{number}"',
                    "id": message_id,
                    "receivedDateTime": when,
                    "sentDateTime": when,
                    "hasAttachments": number % 7 == 0,
                    "subject": f"Message {number}",
                    "bodyPreview": f"This is message {number}.",
                    "importance": "normal",
                    "isRead": number > 5,
                    "isDraft": False,
                    "body": {"contentType": "html", "content": f"<p>This is message {number}.</p>"},
                    "sender": {"emailAddress": {"name": "Ola", "address": "ola@fjordlight.example"}},
                    "from": {"emailAddress": {"name": "Ola", "address": "ola@fjordlight.example"}},
                    "toRecipients": [],
                    "ccRecipients": [],
                    "flag": {"flagStatus": "notFlagged"},
                }
            )
        )
    return items
