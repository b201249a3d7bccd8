"""What the imitation of Graph changes: marking, moving and deleting messages, answering and sending."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import errors
from dev.sandbox.graph.asking import base_of, mailbox_of, view_of
from dev.sandbox.graph.errors import GraphError
from dev.sandbox.graph.folders import known_folder
from dev.sandbox.graph.mailbox import Item, Mailbox, encode, shown_message
from dev.sandbox.mail.builder import PREVIEW_LENGTH, stamp
from dev.sandbox.world import World

_CHANGEABLE = ("isRead", "flag", "categories", "importance", "inferenceClassification")


async def change(
    world: World, token: AccessToken, request: Request, segments: list[str], headers: dict[str, str]
) -> tuple[int, bytes]:
    """Carry out a request that writes; the status and body of the answer. Raises GraphError."""
    sent = await request.body()
    match request.method, segments:
        case "PATCH", ["me", "messages", message_id]:
            return _mark(world, token, request, message_id, _object(request, sent), headers)
        case "DELETE", ["me", "messages", message_id]:
            mailbox = mailbox_of(world, token, "Mail.ReadWrite")
            item = _item(mailbox, message_id)
            gone = item.folder == "deleteditems"
            mailbox.put(item, None if gone else _moved(item, "deleteditems"))
            return 204, b""
        case "POST", ["me", "messages", message_id, "move"]:
            return _move(world, token, request, message_id, _object(request, sent), headers)
        case "POST", ["me", "messages", message_id, "reply"]:
            mailbox = mailbox_of(world, token, "Mail.Send")
            original = _item(mailbox, message_id)
            return _send(world, token, mailbox, _reply(original, _object(request, sent)))
        case "POST", ["me", "sendMail"]:
            mailbox = mailbox_of(world, token, "Mail.Send")
            document = {name.lower(): value for name, value in _object(request, sent).items()}
            message = document.get("message")
            if not isinstance(message, dict) or not message.get("toRecipients"):
                raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.", bare=True)
            return _send(world, token, mailbox, message)
    text = "Specified HTTP method is not allowed for the request target."
    raise GraphError(405, "Request_BadRequest", text)


def _object(request: Request, sent: bytes) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise GraphError(400, "RequestBodyRead", "Requested value in Content-Type is not supported.")
    try:
        found = json.loads(sent)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise GraphError(400, "BadRequest", "Unable to read JSON request payload.")
    return found


def _item(mailbox: Mailbox, message_id: str) -> Item:
    item = mailbox.find(message_id)
    if item is None:
        raise errors.item_not_found() if len(message_id) >= 40 else errors.malformed_id()
    return item


def _mark(
    world: World,
    token: AccessToken,
    request: Request,
    message_id: str,
    changes: Mapping[str, Any],
    headers: dict[str, str],
) -> tuple[int, bytes]:
    mailbox = mailbox_of(world, token, "Mail.ReadWrite")
    item = _item(mailbox, message_id)
    for name in changes:
        if name not in _CHANGEABLE:
            raise GraphError(400, "ErrorInvalidPropertySet", f"Set action is invalid for property '{name}'.", bare=True)
    if not isinstance(changes.get("isRead", True), bool):
        raise GraphError(400, "RequestBodyRead", "Cannot convert the literal to the expected type 'Edm.Boolean'.")
    now = stamp(world.clock.now())
    changed = replace(item, message={**item.message, **changes, "lastModifiedDateTime": now})
    mailbox.put(item, changed)
    return 200, _shown(world, token, request, changed, headers)


def _move(
    world: World,
    token: AccessToken,
    request: Request,
    message_id: str,
    asked: Mapping[str, Any],
    headers: dict[str, str],
) -> tuple[int, bytes]:
    mailbox = mailbox_of(world, token, "Mail.ReadWrite")
    item = _item(mailbox, message_id)
    moved = _moved(item, known_folder(str(asked.get("destinationId", ""))).name)
    mailbox.put(item, moved)
    return 201, _shown(world, token, request, moved, headers)


def _moved(item: Item, folder: str) -> Item:
    """The message in another folder: its id becomes another one, its immutable id does not."""
    old = str(item.message.get("id"))
    message = {**item.message, "id": f"{old[:-12]}{uuid.uuid4().hex[:10]}A=", "parentFolderId": known_folder(folder).id}
    return replace(item, message=message, folder=folder)


def _shown(world: World, token: AccessToken, request: Request, item: Item, headers: dict[str, str]) -> bytes:
    oid = quote(str(token.person.claims.get("oid")))
    context = {"@odata.context": f"{base_of(world, request)}/$metadata#users('{oid}')/messages/$entity"}
    return encode(context | shown_message(item, None, view_of(request, headers)))


def _reply(original: Item, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer becomes that says this `comment`."""
    subject = str(original.message.get("subject") or "")
    return {
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
        "body": {"contentType": "text", "content": str(asked.get("comment") or "")},
        "toRecipients": [original.message.get("from")],
        "conversationId": original.message.get("conversationId"),
    }


def _send(world: World, token: AccessToken, mailbox: Mailbox, message: Mapping[str, Any]) -> tuple[int, bytes]:
    """Put what is sent into Sent Items, with what Exchange adds. Nothing is delivered."""
    now = stamp(world.clock.now())
    person = token.person
    sender = {"emailAddress": {"name": person.name, "address": person.claims.get("email")}}
    body = message.get("body")
    content = str(body.get("content") or "") if isinstance(body, dict) else ""
    made = {
        "@odata.etag": f'W/"{uuid.uuid4().hex[:24]}"',
        "id": f"AAMkAD{uuid.uuid4().hex * 4}AAA=",
        **dict.fromkeys(("createdDateTime", "lastModifiedDateTime", "receivedDateTime", "sentDateTime"), now),
        "subject": message.get("subject") or "",
        "bodyPreview": content[:PREVIEW_LENGTH],
        "body": body if isinstance(body, dict) else {"contentType": "text", "content": ""},
        "from": sender,
        "sender": sender,
        **{name: message.get(name) or [] for name in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo")},
        "conversationId": message.get("conversationId") or f"AAQkAD{uuid.uuid4().hex}",
        "importance": message.get("importance") or "normal",
        "categories": [],
        "hasAttachments": False,
        "isRead": True,
        "isDraft": False,
        "flag": {"flagStatus": "notFlagged"},
        "parentFolderId": known_folder("sentitems").id,
    }
    mailbox.put(None, Item(made, "sentitems", immutable_id=f"AAkALg{uuid.uuid4().hex * 4}AAA="))
    return 202, b""
