"""Puts one message together, with all the properties that Graph returns by default."""

from __future__ import annotations

import base64
import hashlib
import html
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from dev.sandbox.graph.folders import folder_id
from dev.sandbox.graph.mailbox import Item
from dev.sandbox.html_to_text import html_to_text

type Form = Literal["letter", "notice", "newsletter", "meeting"]

PREVIEW_LENGTH = 255


@dataclass(frozen=True)
class Letter:
    """What one message is made of. People are keys of the correspondents, or "me"; `when` is in epoch seconds."""

    sender: str
    recipients: Sequence[str]
    subject: str | None
    body: str
    when: float
    conversation: str
    form: Form = "letter"
    attachments: Sequence[str] = ()
    importance: str = "normal"
    unread: bool = False
    flagged: bool = False
    draft: bool = False
    folder: str | None = None


class MessageBuilder:
    """The messages of one mailbox."""

    def __init__(self, mailbox: str, owner: Mapping[str, str], correspondents: Mapping[str, Mapping[str, str]]) -> None:
        self._mailbox = mailbox
        self._owner = owner
        self._correspondents = correspondents
        self._count = 0

    def signature(self, key: str) -> str:
        """What stands under a letter."""
        return self._person(key).get("signature", "")

    def address(self, key: str) -> str:
        """The address of a correspondent."""
        return self._person(key)["address"]

    def quotation(self, key: str, subject: str, when: float, body: str) -> str:
        """The letter that is being answered, as Outlook puts it under the answer."""
        person = self._person(key)
        sent = time.strftime("%A, %d %B %Y %H:%M", time.gmtime(when))
        head = [("From", f"{person.get('name', '')} <{person['address']}>"), ("Sent", sent), ("Subject", subject)]
        lines = "<br>".join(f"<b>{name}:</b> {html.escape(value)}" for name, value in head)
        return f'<hr><div id="divRplyFwdMsg" dir="ltr">{lines}</div><div>{body}</div>'

    def new_id(self, seed: str) -> str:
        """About 150 characters; every fifth has the alphabet of standard base64, with `/` and `+`."""
        digest = hashlib.shake_256(f"{self._mailbox} {seed}".encode()).digest(105)
        encoded = base64.b64encode(b"\x00\x03\x24\x00\x3d" + digest[:-1] + b"\x00\x00").decode()
        return encoded if number_from(seed, 5) == 0 else encoded.replace("/", "-").replace("+", "_")

    def build(self, letter: Letter) -> Item:
        """One message; unless its folder is named, what comes from "me" lies in Sent Items. Drafts have no sender."""
        self._count += 1
        seed = f"{self._count} {letter.conversation}"
        folder = letter.folder or ("drafts" if letter.draft else "sentitems" if letter.sender == "me" else "inbox")
        text = html_to_text(letter.body)
        message = self._identity(seed, letter.when, letter.conversation, folder) | {
            "hasAttachments": bool(letter.attachments),
            "subject": letter.subject,
            "bodyPreview": text[:PREVIEW_LENGTH],
            "importance": letter.importance,
            "isDeliveryReceiptRequested": None if letter.draft else False,
            "isReadReceiptRequested": False,
            "isRead": not letter.unread,
            "isDraft": letter.draft,
            "inferenceClassification": "other" if letter.form == "newsletter" else "focused",
            "body": {"contentType": "text", "content": text} if letter.form == "notice" else _html_body(letter.body),
            "toRecipients": [self._recipient(key) for key in letter.recipients[:1]],
            "ccRecipients": [self._recipient(key) for key in letter.recipients[1:]],
            "bccRecipients": [],
            "replyTo": [],
            "flag": {"flagStatus": "flagged" if letter.flagged else "notFlagged"},
        }
        if not letter.draft:
            message["sender"] = message["from"] = self._recipient(letter.sender)
        if letter.form == "meeting":
            cancelled = bool(letter.subject and letter.subject.startswith("Canceled"))
            kind = "meetingCancelled" if cancelled else "meetingRequest"
            message = {"@odata.type": "#microsoft.graph.eventMessage", "meetingMessageType": kind} | message
        attachments = [self._attachment(f"{seed} {name}", name, letter.when) for name in letter.attachments]
        immutable_id = f"AAkALg{self.new_id('immutable ' + seed)[6:]}"
        return Item(message, folder, immutable_id=immutable_id, attachments=attachments)

    def _attachment(self, seed: str, written: str, when: float) -> dict[str, Any]:
        """A file out of `name|content type|size`."""
        name, content_type, size = written.split("|")
        return {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "id": self.new_id(f"attachment {seed}"),
            "lastModifiedDateTime": stamp(when),
            "name": name,
            "contentType": content_type,
            "size": int(size),
            "isInline": False,
            "contentId": None,
            "contentLocation": None,
        }

    def _identity(self, seed: str, when: float, conversation: str, folder: str) -> dict[str, Any]:
        message_id = self.new_id(seed)
        change_key = _short(f"change {seed}", 24)
        return {
            "@odata.etag": f'W/"{change_key}"',
            "id": message_id,
            "createdDateTime": stamp(when),
            "lastModifiedDateTime": stamp(when + 2),
            "changeKey": change_key,
            "categories": [],
            "receivedDateTime": stamp(when),
            "sentDateTime": stamp(when - 3),
            "internetMessageId": f"<{uuid.uuid5(uuid.NAMESPACE_OID, self._mailbox + seed)}@mail.sandbox.example>",
            "parentFolderId": folder_id(folder),
            "conversationId": f"AAQkAD{_short(conversation, 60)}",
            "conversationIndex": f"AQ{_short(seed, 20)}",
            "webLink": f"https://outlook.office365.com/owa/?ItemID={quote(message_id, safe='')}&exvsurl=1",
            "internetMessageHeaders": [{"name": "MIME-Version", "value": "1.0"}],
        }

    def _recipient(self, key: str) -> dict[str, Any]:
        person = self._person(key)
        return {"emailAddress": {name: person[name] for name in ("name", "address") if name in person}}

    def _person(self, key: str) -> Mapping[str, str]:
        return self._owner if key == "me" else self._correspondents[key]


def number_from(seed: str, upper: int) -> int:
    """A number below `upper` that depends on the seed and on nothing else."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % upper


def stamp(when: float) -> str:
    """UTC, whole seconds, with Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


def _short(seed: str, length: int) -> str:
    digest = hashlib.shake_256(seed.encode()).digest(length)
    return base64.b64encode(digest).decode()[:length].replace("/", "-").replace("+", "_")


def _html_body(body: str) -> dict[str, str]:
    head = '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>'
    return {"contentType": "html", "content": f"{head}<body>\r\n{body}\r\n</body></html>" if body else ""}
