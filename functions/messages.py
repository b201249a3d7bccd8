"""GET api/messages and api/messages/{id}: mail of the signed-in person."""

from __future__ import annotations

import re
from typing import Any

import azure.functions as func

from shared import errors, http, mail_access
from shared.graph_ids import graph_id, public_id
from shared.services import Services

_KEPT = (
    "subject",
    "from",
    "sender",
    "receivedDateTime",
    "isRead",
    "isDraft",
    "hasAttachments",
    "bodyPreview",
    "importance",
    "flag",
    "toRecipients",
    "ccRecipients",
    "body",
)


def list_messages(request: func.HttpRequest, services: Services) -> http.Response:
    """The newest messages of the inbox, `top` of them (25; 1 to 50), or by `cursor` the page after an earlier one.

    Raises errors.InvalidRequest, InvalidCursor, and what a session and Graph raise.
    """
    http.refuse_cross_site(request)
    given = http.parameters(request, ("top", "cursor"))
    top, cursor = given.get("top", "25"), given.get("cursor")
    if not re.fullmatch(r"[1-9]|[1-4][0-9]|50", top) or (cursor is not None and "top" in given):
        raise errors.InvalidRequest("`top` must be a number from 1 to 50; `cursor` goes alone.")
    session, deadline = mail_access.opened(request, services)
    if cursor is None:
        messages, next_link = mail_access.asked(
            services, session, deadline, lambda access: services.mail.messages(access, int(top), deadline)
        )
    else:
        link = mail_access.link_of(cursor, session, services, deadline)
        messages, next_link = mail_access.asked(
            services, session, deadline, lambda access: services.mail.next_messages(access, link, deadline)
        )
    return http.json_answer(
        {
            "messages": [_public(message) for message in messages if isinstance(message, dict)],
            "next": mail_access.cursor_of(next_link, session, services, deadline),
        }
    )


def message(request: func.HttpRequest, services: Services) -> http.Response:
    """One message with its text. Raises graph_errors.MessageNotFound, and what a session and Graph raise."""
    http.refuse_cross_site(request)
    http.parameters(request, ())
    wanted = graph_id(request.route_params.get("id", ""))
    session, deadline = mail_access.opened(request, services)
    found = mail_access.asked(
        services, session, deadline, lambda access: services.mail.message(access, wanted, deadline)
    )
    return http.json_answer(_public(found))


def _public(found: dict[str, Any]) -> dict[str, Any]:
    """A message as it leaves here: Graph's names, only those that were asked for, and our id."""
    known = {name: found[name] for name in _KEPT if name in found}
    identifier = found.get("id")
    return {"id": public_id(identifier) if isinstance(identifier, str) else None, **known}
