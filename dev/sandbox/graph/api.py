"""The Graph endpoints: /me, message lists, one message."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import errors
from dev.sandbox.graph.errors import GraphError
from dev.sandbox.graph.folders import PROPERTIES as FOLDER_PROPERTIES
from dev.sandbox.graph.folders import ROOT, Folder, below, find_folder, shown_folder
from dev.sandbox.graph.mailbox import Mailbox, View, encode, shown_message
from dev.sandbox.graph.query import parse_list_query, parse_page, parse_select
from dev.sandbox.people import Person
from dev.sandbox.world import World, world_of

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_KEY_IN_PARENTHESES = re.compile(r"(mailFolders|messages)\('(.*)'\)")
_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_PREFERENCES = (
    'outlook.body-content-type="text"',
    'outlook.body-content-type="html"',
    'IdType="ImmutableId"',
)
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
        body = _answer(world, request, headers)
    except GraphError as error:
        headers |= {"Content-Type": "application/json"} | error.headers
        return Response(encode(error.envelope(request_id, client_request_id)), error.status, headers)
    return Response(body, headers=headers)


def _answer(world: World, request: Request, headers: dict[str, str]) -> bytes:
    token = _authenticate(world, request.headers.get("authorization", ""), request.state.where)
    segments = raw_segments(request.scope["raw_path"].decode("ascii"))
    if request.method not in ("GET", "HEAD"):
        text = "Specified HTTP method is not allowed for the request target."
        raise GraphError(405, "Request_BadRequest", text)
    match segments:
        case ["me"]:
            _require(token, "User.Read", "User.ReadWrite", "User.ReadBasic.All")
            return _me(world, token.person, request)
        case ["me", "messages"]:
            return _list(world, token, request, None, headers)
        case ["me", "mailFolders", folder, "messages"]:
            return _list(world, token, request, folder, headers)
        case ["me", "mailFolders"]:
            return _folders(world, token, request, None)
        case ["me", "mailFolders", folder]:
            return _folder(world, token, request, folder)
        case ["me", "mailFolders", folder, "childFolders"]:
            return _folders(world, token, request, folder)
        case ["me", "messages", message_id]:
            return _one(world, token, request, message_id, headers)
    raise errors.unknown_segment(next((name for name in segments if name not in ("me", "messages")), ""))


def _authenticate(world: World, authorization: str, where: str) -> AccessToken:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise errors.unauthenticated("Access token is empty.")
    token = world.grants.access_token(value)
    if token is None:
        raise errors.unauthenticated(errors.GARBLED)
    if world.grants.is_expired(token):
        personal = token.person.kind == "personal"
        raise errors.unauthenticated(errors.EXPIRED_PERSONAL if personal else errors.EXPIRED)
    demand = world.demands.of_graph(token, where)
    if demand is not None:
        raise errors.challenged(demand.text, errors.REVOKED if demand.error is None else errors.STEP_UP)
    return token


def _require(token: AccessToken, *one_of: str) -> None:
    if not token.scopes & set(one_of):
        raise errors.access_denied()


def _mailbox(world: World, token: AccessToken) -> Mailbox:
    _require(token, "Mail.Read", "Mail.ReadWrite")
    limit = world.settings.mailbox_concurrency
    if limit is not None and world.calls.graph_requests_at_once(token.person.key) > limit:
        raise errors.throttled()
    mailbox = world.mailboxes.of(token.person)
    if mailbox is None:
        raise errors.no_mailbox()
    return mailbox


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
    context = {"@odata.context": f"{_base(world, request)}/$metadata#users/$entity"}
    return encode(context | profile)


def _list(world: World, token: AccessToken, request: Request, folder: str | None, headers: dict[str, str]) -> bytes:
    mailbox = _mailbox(world, token)
    view = _view(request, headers)
    raw_query = request.scope["query_string"].decode("ascii", "replace")
    base = _base(world, request)
    cached = mailbox.pages.get((base, folder, raw_query, view))
    if cached is not None:
        return cached
    inside = None if folder is None else _found(folder).name
    query = parse_list_query(raw_query)
    messages, skip, count = mailbox.page(inside, query, view)
    path = "messages" if folder is None else f"mailFolders('{quote(folder)}')/messages"
    columns = f"({','.join(query.select)})" if query.select else ""
    oid = quote(str(token.person.claims.get("oid")))
    document: dict[str, Any] = {"@odata.context": f"{base}/$metadata#users('{oid}')/{path}{columns}"}
    if query.count:
        document["@odata.count"] = count
    document["value"] = messages
    link = _next_link(base, request, raw_query, skip, "$skiptoken" if query.searched else "$skip")
    if mailbox.first_next_link is not None and "$skip" not in raw_query and "%24skip" not in raw_query:
        link = mailbox.first_next_link
    if link:
        document["@odata.nextLink"] = link
    if len(mailbox.pages) > 1000:
        mailbox.pages.clear()
    body = encode(document)
    if query.searched and view.immutable_ids:
        body = body[: len(body) // 2] + encode(errors.malformed_id().envelope("", ""))
    mailbox.pages[base, folder, raw_query, view] = body
    return body


def _found(folder: str) -> Folder:
    found = find_folder(folder)
    if found is None:
        raise errors.malformed_id() if len(folder) < 40 else errors.item_not_found()
    return found


def _folders(world: World, token: AccessToken, request: Request, parent: str | None) -> bytes:
    """The folders directly below one, or below the root."""
    mailbox, base = _mailbox(world, token), _base(world, request)
    folders = below(ROOT if parent is None else _found(parent).name)
    raw_query = request.scope["query_string"].decode("ascii", "replace")
    page = parse_page(raw_query)
    select = parse_select(request.query_params.get("$select"), FOLDER_PROPERTIES, "mailFolder")
    last = page.skip + page.top
    document: dict[str, Any] = {
        "@odata.context": f"{base}/$metadata#users('{quote(str(token.person.claims.get('oid')))}')/mailFolders",
        "value": [shown_folder(folder, mailbox.items, select) for folder in folders[page.skip : last]],
    }
    link = _next_link(base, request, raw_query, last if last < len(folders) else None, "$skip")
    return encode(document | ({"@odata.nextLink": link} if link else {}))


def _folder(world: World, token: AccessToken, request: Request, folder: str) -> bytes:
    mailbox = _mailbox(world, token)
    select = parse_select(request.query_params.get("$select"), FOLDER_PROPERTIES, "mailFolder")
    context = f"{_base(world, request)}/$metadata#users('{quote(str(token.person.claims.get('oid')))}')/mailFolders"
    return encode({"@odata.context": f"{context}/$entity"} | shown_folder(_found(folder), mailbox.items, select))


def _next_link(base: str, request: Request, raw_query: str, skip: int | None, option: str) -> str | None:
    if skip is None:
        return None
    options = [(name, value) for name, value in parse_qsl(raw_query) if name not in ("$skip", "$skiptoken")]
    path = request.scope["raw_path"].decode("ascii").removeprefix("/v1.0")
    return f"{base}{path}?{urlencode([*options, (option, str(skip))], quote_via=quote)}"


def _one(world: World, token: AccessToken, request: Request, message_id: str, headers: dict[str, str]) -> bytes:
    mailbox = _mailbox(world, token)
    view = _view(request, headers)
    item = mailbox.find(message_id)
    if item is None:
        raise errors.item_not_found() if len(message_id) >= 40 else errors.malformed_id()
    select = parse_select(request.query_params.get("$select"))
    columns = f"({','.join(select)})" if select else ""
    oid = quote(str(token.person.claims.get("oid")))
    context = f"{_base(world, request)}/$metadata#users('{oid}')/messages{columns}/$entity"
    return encode({"@odata.context": context} | shown_message(item, select, view))


def _view(request: Request, headers: dict[str, str]) -> View:
    """Read the Prefer headers, and say in Preference-Applied which of them were honoured. RFC 7240."""
    asked = [part.strip().lower() for value in request.headers.getlist("prefer") for part in value.split(",")]
    applied = [name for name in _PREFERENCES if name.lower() in asked]
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)
    return View('outlook.body-content-type="text"' in applied, 'IdType="ImmutableId"' in applied)


def _base(world: World, request: Request) -> str:
    """The base that the request came to, so that links lead back to the same listener."""
    return f"{world.https_url if request.url.scheme == 'https' else world.http_url}/v1.0"
