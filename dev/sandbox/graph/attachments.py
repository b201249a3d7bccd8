"""Answers of the imitation of Graph about attachments: the list, one of them, its bytes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import errors
from dev.sandbox.graph.asking import base_of, mailbox_of, view_of
from dev.sandbox.graph.errors import GraphError
from dev.sandbox.graph.mailbox import Item, encode
from dev.sandbox.world import World

_FILE = "#microsoft.graph.fileAttachment"
_CAST = "microsoft.graph.fileAttachment/"
_COMMON = ("id", "name", "contentType", "size", "isInline", "lastModifiedDateTime")
_OF_FILES = ("contentId", "contentLocation", "contentBytes")
_ALWAYS = ("@odata.type", "@odata.mediaContentType", "id")
_OVERHEAD = 130


def list_attachments(
    world: World, token: AccessToken, request: Request, message_id: str, headers: dict[str, str]
) -> bytes:
    """All of them with their bytes, unless $select leaves those out. Whatever $filter says is ignored."""
    item = _item(world, token, message_id)
    view_of(request, headers)
    names = _select(request.query_params.get("$select"))
    oid = quote(str(token.person.claims.get("oid")))
    context = f"{base_of(world, request)}/$metadata#users('{oid}')/messages('{quote(message_id)}')/attachments"
    return encode({"@odata.context": context, "value": [_shown(entry, names) for entry in item.attachments]})


def one_attachment(
    world: World, token: AccessToken, request: Request, message_id: str, attachment_id: str, headers: dict[str, str]
) -> bytes:
    """One of them, like the list has it."""
    found = _attachment(_item(world, token, message_id), attachment_id)
    view_of(request, headers)
    names = _select(request.query_params.get("$select"))
    oid = quote(str(token.person.claims.get("oid")))
    context = f"{base_of(world, request)}/$metadata#users('{oid}')/messages('{quote(message_id)}')/attachments/$entity"
    return encode({"@odata.context": context} | _shown(found, names))


def attachment_value(
    world: World, token: AccessToken, message_id: str, attachment_id: str, headers: dict[str, str]
) -> bytes:
    """The bytes of a file, with its own content type; an item as MIME. Raises GraphError 405 for a reference."""
    found = _attachment(_item(world, token, message_id), attachment_id)
    kind = found.get("@odata.type", _FILE)
    if kind == "#microsoft.graph.referenceAttachment":
        raise GraphError(405, "ErrorInvalidOperation", "A reference attachment has no content.", bare=True)
    if kind != _FILE:
        headers["Content-Type"] = "text/plain"
        return f"Subject: {found.get('name')}\r\nMIME-Version: 1.0\r\n\r\n".encode("utf-8", "replace")
    content_type = str(found.get("contentType") or "application/octet-stream")
    headers["Content-Type"] = content_type if content_type.isascii() and content_type.isprintable() else "text/plain"
    return _content(found)


def _item(world: World, token: AccessToken, message_id: str) -> Item:
    item = mailbox_of(world, token).find(message_id)
    if item is None:
        raise errors.item_not_found() if len(message_id) >= 40 else errors.malformed_id()
    return item


def _attachment(item: Item, attachment_id: str) -> Mapping[str, Any]:
    for entry in item.attachments:
        if entry.get("id") == attachment_id:
            return entry
    raise errors.item_not_found() if len(attachment_id) >= 40 else errors.malformed_id()


def _select(select: str | None) -> tuple[str, ...] | None:
    """The selected properties; what files alone have goes by a cast. Raises GraphError 400."""
    if not select:
        return None
    names = [name.strip() for name in select.split(",")]
    for name in names:
        if name not in _COMMON and name not in [_CAST + own for own in _OF_FILES]:
            text = f"Could not find a property named '{name}' on type 'microsoft.graph.attachment'."
            raise GraphError(400, "RequestBroker--ParseUri", text)
    return tuple(name.removeprefix(_CAST) for name in names)


def _shown(entry: Mapping[str, Any], names: tuple[str, ...] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"@odata.type": _FILE} | dict(entry)
    if shown["@odata.type"] == _FILE:
        shown["@odata.mediaContentType"] = shown.get("contentType")
        shown.setdefault("size", len(_content(entry)) + _OVERHEAD)
        if names is None or "contentBytes" in names:
            shown.setdefault("contentBytes", base64.b64encode(_content(entry)).decode())
    if names is None:
        return shown
    return {name: shown[name] for name in dict.fromkeys((*_ALWAYS, *names)) if name in shown}


def _content(entry: Mapping[str, Any]) -> bytes:
    """What a test put there, or as many bytes as the size says, of a text that says what it is."""
    if isinstance(entry.get("contentBytes"), str):
        try:
            return base64.b64decode(entry["contentBytes"], validate=True)
        except binascii.Error:
            return b""
    size = max(0, int(entry.get("size") or 0) - _OVERHEAD)
    line = f"{entry.get('name')}: a made-up file of the sandbox, {size} bytes.\n".encode("utf-8", "replace")
    return (line * (size // len(line) + 1))[:size]
