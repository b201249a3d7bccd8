"""What belongs to one message at Microsoft Graph: its body, its attachments, the pictures that it shows.

Functions raise what Graph's methods do, MessageNotFound and AttachmentNotFound too.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from shared import errors, graph_errors
from shared.clock import Deadline
from shared.graph import Access, Graph
from shared.mail_body import content_id

MAX_FILE = 25 * 1024 * 1024
"""Bytes of the largest attachment that is fetched."""
FILE_SECONDS = 20.0
MAX_PICTURE = 4 * 1024 * 1024
MOST_PICTURES = 30
PICTURES_SECONDS = 10.0
"""Pictures that are not there by then are left out."""

# contentBytes left out, which a list would otherwise carry; contentId is the derived type's alone.
_FIELDS = "id,name,contentType,size,isInline,lastModifiedDateTime,microsoft.graph.fileAttachment/contentId"
_MOST_PAGES = 10
_IMMUTABLE = 'IdType="ImmutableId"'
# What Exchange counts beside the bytes themselves: names, ids and the like.
_OVERHEAD = 64 * 1024
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)


def body(graph: Graph, access: Access, message_id: str, deadline: Deadline, *, as_text: bool) -> tuple[str, bool]:
    """The body of a message, and whether it is HTML. Raises MessageTooLarge too.

    Graph is never asked for HTML that it has not looked through itself (`outlook.allow-unsafe-html`).
    """
    prefer = 'outlook.body-content-type="text"' if as_text else None
    try:
        found = graph.get(f"{_message(graph, message_id)}?$select=id,body", access, deadline, prefer=prefer)
    except graph_errors.GraphTooLarge:
        raise graph_errors.MessageTooLarge from None
    written = found.get("body")
    if not isinstance(written, dict):
        return "", False
    content, kind = written.get("content"), written.get("contentType")
    return (content if isinstance(content, str) else ""), isinstance(kind, str) and kind.lower() == "html"


def attachments(graph: Graph, access: Access, message_id: str, deadline: Deadline) -> list[dict[str, Any]]:
    """All attachments of a message, the pictures in its text too, without their bytes."""
    url: str | None = f"{_message(graph, message_id)}/attachments?$select={_FIELDS}"
    found: list[dict[str, Any]] = []
    for _ in range(_MOST_PAGES):
        if url is None:
            break
        entries, url = graph.page(url, access, deadline, prefer=_IMMUTABLE)
        found += [entry for entry in entries if isinstance(entry, dict)]
    return found


def kind_of(attachment: dict[str, Any]) -> str:
    """`file`, `item` (a message, an event, a contact), `reference` (a link to a file), or `unknown`."""
    name = str(attachment.get("@odata.type")).rpartition(".")[2]
    known = {"fileAttachment": "file", "itemAttachment": "item", "referenceAttachment": "reference"}
    return known.get(name, "unknown")


def file(
    graph: Graph, access: Access, message_id: str, attachment_id: str, deadline: Deadline
) -> tuple[str | None, bytes]:
    """Name and bytes of an attachment. Raises AttachmentWithoutFile and AttachmentTooLarge too."""
    url = f"{_message(graph, message_id)}/attachments/{quote(attachment_id, safe='')}"
    missing = graph_errors.AttachmentNotFound
    found = graph.get(f"{url}?$select=id,name,size", access, deadline, missing=missing)
    name, size = found.get("name"), found.get("size")
    if kind_of(found) in ("item", "reference"):
        raise graph_errors.AttachmentWithoutFile
    if isinstance(size, int) and size > MAX_FILE + _OVERHEAD:
        raise _too_large(size)
    try:
        answer = graph.call(
            "GET", f"{url}/$value", access, deadline, max_bytes=MAX_FILE, seconds=FILE_SECONDS, missing=missing
        )
    except graph_errors.GraphTooLarge:
        raise _too_large(size) from None
    return (name if isinstance(name, str) else None), answer.body


def pictures(
    graph: Graph, access: Access, message_id: str, content_ids: Collection[str], deadline: Deadline
) -> dict[str, str]:
    """`data:` URIs of a message's own pictures by content id, those that can be had.

    Whether `isInline` is set says nothing: Exchange leaves it out where the text refers to a picture all the same.
    """
    found: dict[str, str] = {}
    deadline = deadline.within(PICTURES_SECONDS)
    try:
        listed = attachments(graph, access, message_id, deadline)
    except errors.DrawbridgeError:
        return found  # the text is worth more than its pictures
    for entry in listed:
        named = content_id(str(entry.get("contentId") or ""))
        if named not in content_ids or named in found or kind_of(entry) in ("item", "reference"):
            continue
        if len(found) == MOST_PICTURES or deadline.remaining() <= 0:
            break
        picture = _picture(graph, access, message_id, entry, deadline)
        if picture is not None:
            found[named] = picture
    return found


def _picture(graph: Graph, access: Access, message_id: str, entry: dict[str, Any], deadline: Deadline) -> str | None:
    identifier, size = entry.get("id"), entry.get("size")
    if not isinstance(identifier, str) or (isinstance(size, int) and size > MAX_PICTURE + _OVERHEAD):
        return None
    url = f"{_message(graph, message_id)}/attachments/{quote(identifier, safe='')}/$value"
    try:
        content = graph.call("GET", url, access, deadline, max_bytes=MAX_PICTURE).body
    except errors.DrawbridgeError:
        return None  # one that cannot be had hides none of the others
    kind = _picture_type(content)
    return f"data:{kind};base64,{b64encode(content).decode()}" if kind else None


def _picture_type(content: bytes) -> str | None:
    """By its first bytes: the sender's word for it may be wrong, and vector graphics are none of these."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _PICTURES if content.startswith(start)), None)


def _too_large(size: object) -> graph_errors.AttachmentTooLarge:
    known = f"This one has about {size / 1_000_000:.0f} MB. " if isinstance(size, int) else ""
    return graph_errors.AttachmentTooLarge(
        f"Attachments of up to 25 MB can be fetched. {known}It can be had in Outlook."
    )


def _message(graph: Graph, message_id: str) -> str:
    return f"{graph.endpoint}/me/messages/{quote(message_id, safe='')}"
