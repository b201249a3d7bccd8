"""The Graph endpoints: which path leads where."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import attachments, errors
from dev.sandbox.graph.asking import authenticate, base_of, require
from dev.sandbox.graph.calendar import calendar_view, one_event
from dev.sandbox.graph.changes import change
from dev.sandbox.graph.contacts import list_contacts, mailbox_settings, one_contact
from dev.sandbox.graph.errors import GraphError
from dev.sandbox.graph.folder_lists import list_folders, one_folder
from dev.sandbox.graph.mailbox import encode
from dev.sandbox.graph.messages import list_messages, one_message
from dev.sandbox.people import Person
from dev.sandbox.world import World, world_of

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_KEY_IN_PARENTHESES = re.compile(r"(mailFolders|messages)\('(.*)'\)")
_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_SERVER = json.dumps(
    {"ServerInfo": {"DataCenter": "Sandbox", "Slice": "E", "Ring": "1", "ScaleUnit": "000", "RoleInstance": "SB0001"}}
)
_DIRECTORY_PROPERTIES = (
    *("businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation"),
    *("preferredLanguage", "surname", "userPrincipalName", "id"),
)


def routes() -> list[Route]:
    """Everything under /v1.0 is dispatched on the raw path, because ids contain encoded slashes."""
    return [Route("/v1.0/{path:path}", graph, methods=_METHODS)]


def raw_segments(raw_path: str) -> list[str]:
    """The path below /v1.0, split before decoding; `name('key')` counts as two segments."""
    segments: list[str] = []
    for segment in raw_path.split("/")[2:]:
        decoded = unquote(segment)
        key = _KEY_IN_PARENTHESES.fullmatch(decoded)
        segments += [key[1], key[2].replace("''", "'")] if key else [decoded]
    return segments


async def graph(request: Request) -> Response:
    """Authenticate, then answer; GraphError becomes the error envelope."""
    world = world_of(request)
    request_id = str(uuid.uuid4())
    client_request_id = request.headers.get("client-request-id", request_id)
    headers = {
        "Content-Type": _JSON,
        "Cache-Control": "private",
        "Vary": "Accept-Encoding",
        "Strict-Transport-Security": "max-age=31536000",
        "request-id": request_id,
        "client-request-id": client_request_id,
        "x-ms-ags-diagnostic": _SERVER,
        "OData-Version": "4.0",
    }
    await world.pauses.pause(world.settings.graph_delay)
    try:
        token = authenticate(world, request.headers.get("authorization", ""), request.state.where)
        segments = raw_segments(request.scope["raw_path"].decode("ascii"))
        if request.method in ("GET", "HEAD"):
            status, body = 200, _answer(world, token, request, segments, headers)
        else:
            status, body = await change(world, token, request, segments, headers)
    except GraphError as error:
        headers |= {"Content-Type": "application/json"} | error.headers
        return Response(encode(error.envelope(request_id, client_request_id)), error.status, headers)
    if not body:
        del headers["Content-Type"]
    return Response(body, status, headers)


def _answer(world: World, token: AccessToken, request: Request, segments: list[str], headers: dict[str, str]) -> bytes:
    match segments:
        case ["me"]:
            require(token, "User.Read", "User.ReadWrite", "User.ReadBasic.All")
            return _me(world, token.person, request)
        case ["me", "messages"]:
            return list_messages(world, token, request, None, headers)
        case ["me", "mailFolders", folder, "messages"]:
            return list_messages(world, token, request, folder, headers)
        case ["me", "mailFolders"]:
            return list_folders(world, token, request, None)
        case ["me", "mailFolders", folder]:
            return one_folder(world, token, request, folder)
        case ["me", "mailFolders", folder, "childFolders"]:
            return list_folders(world, token, request, folder)
        case ["me", "messages", message_id]:
            return one_message(world, token, request, message_id, headers)
        case ["me", "messages", message_id, "attachments"]:
            return attachments.list_attachments(world, token, request, message_id, headers)
        case ["me", "messages", message_id, "attachments", attachment_id]:
            return attachments.one_attachment(world, token, request, message_id, attachment_id, headers)
        case ["me", "messages", message_id, "attachments", attachment_id, "$value"]:
            return attachments.attachment_value(world, token, message_id, attachment_id, headers)
        case ["me", "calendarView"]:
            return calendar_view(world, token, request, headers)
        case ["me", "events", event_id]:
            return one_event(world, token, request, event_id, headers)
        case ["me", "contacts"]:
            return list_contacts(world, token, request)
        case ["me", "contacts", contact_id]:
            return one_contact(world, token, request, contact_id)
        case ["me", "mailboxSettings"]:
            return mailbox_settings(world, token, request)
    raise errors.unknown_segment(next((name for name in segments if name not in ("me", "messages")), ""))


def _me(world: World, person: Person, request: Request) -> bytes:
    profile: dict[str, Any] = dict.fromkeys(_DIRECTORY_PROPERTIES)
    profile |= {
        "businessPhones": [],
        "displayName": person.claims.get("name"),
        "mail": person.claims.get("email"),
        "userPrincipalName": person.claims.get("preferred_username"),
        "id": person.claims.get("oid"),
    } | person.profile
    selected = request.query_params.get("$select")
    if selected:
        profile = {name: profile.get(name) for name in selected.split(",")}
    context = {"@odata.context": f"{base_of(world, request)}/$metadata#users/$entity"}
    return encode(context | profile)
