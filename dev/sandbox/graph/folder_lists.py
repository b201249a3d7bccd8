"""Answers of the imitation of Graph about folders."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph.asking import base_of, mailbox_of, next_link
from dev.sandbox.graph.folders import PROPERTIES, ROOT, below, known_folder, shown_folder
from dev.sandbox.graph.mailbox import encode
from dev.sandbox.graph.query import parse_page, parse_select
from dev.sandbox.world import World


def list_folders(world: World, token: AccessToken, request: Request, parent: str | None) -> bytes:
    """The folders directly below one, or below the root."""
    mailbox, base = mailbox_of(world, token), base_of(world, request)
    folders = below(ROOT if parent is None else known_folder(parent).name)
    raw_query = request.scope["query_string"].decode("ascii", "replace")
    page = parse_page(raw_query)
    select = parse_select(request.query_params.get("$select"), PROPERTIES, "mailFolder")
    last = page.skip + page.top
    document: dict[str, Any] = {
        "@odata.context": f"{base}/$metadata#users('{quote(str(token.person.claims.get('oid')))}')/mailFolders",
        "value": [shown_folder(folder, mailbox.items, select) for folder in folders[page.skip : last]],
    }
    link = next_link(base, request, raw_query, last if last < len(folders) else None, "$skip")
    return encode(document | ({"@odata.nextLink": link} if link else {}))


def one_folder(world: World, token: AccessToken, request: Request, folder: str) -> bytes:
    """One folder by id or well-known name."""
    mailbox = mailbox_of(world, token)
    select = parse_select(request.query_params.get("$select"), PROPERTIES, "mailFolder")
    context = f"{base_of(world, request)}/$metadata#users('{quote(str(token.person.claims.get('oid')))}')/mailFolders"
    return encode({"@odata.context": f"{context}/$entity"} | shown_folder(known_folder(folder), mailbox.items, select))
