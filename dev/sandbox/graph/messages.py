"""Answers of the imitation of Graph about messages: lists, searches, one message."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import errors
from dev.sandbox.graph.asking import base_of, mailbox_of, next_link, view_of
from dev.sandbox.graph.folders import known_folder
from dev.sandbox.graph.mailbox import encode, shown_message
from dev.sandbox.graph.query import parse_list_query, parse_select
from dev.sandbox.world import World


def list_messages(
    world: World, token: AccessToken, request: Request, folder: str | None, headers: dict[str, str]
) -> bytes:
    """One page of a folder or, without one, of the whole mailbox."""
    mailbox = mailbox_of(world, token)
    view = view_of(request, headers)
    raw_query = request.scope["query_string"].decode("ascii", "replace")
    base = base_of(world, request)
    cached = mailbox.pages.get((base, folder, raw_query, view))
    if cached is not None:
        return cached
    inside = None if folder is None else known_folder(folder).name
    query = parse_list_query(raw_query)
    messages, skip, count = mailbox.page(inside, query, view)
    path = "messages" if folder is None else f"mailFolders('{quote(folder)}')/messages"
    columns = f"({','.join(query.select)})" if query.select else ""
    oid = quote(str(token.person.claims.get("oid")))
    document: dict[str, Any] = {"@odata.context": f"{base}/$metadata#users('{oid}')/{path}{columns}"}
    if query.count:
        document["@odata.count"] = count
    document["value"] = messages
    link = next_link(base, request, raw_query, skip, "$skiptoken" if query.searched else "$skip")
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


def one_message(world: World, token: AccessToken, request: Request, message_id: str, headers: dict[str, str]) -> bytes:
    """One message by either of its ids."""
    mailbox = mailbox_of(world, token)
    view = view_of(request, headers)
    item = mailbox.find(message_id)
    if item is None:
        raise errors.item_not_found() if len(message_id) >= 40 else errors.malformed_id()
    select = parse_select(request.query_params.get("$select"))
    columns = f"({','.join(select)})" if select else ""
    oid = quote(str(token.person.claims.get("oid")))
    context = f"{base_of(world, request)}/$metadata#users('{oid}')/messages{columns}/$entity"
    return encode({"@odata.context": context} | shown_message(item, select, view))
