"""PATCH api/messages/{id}: mark a message as read or unread, flag it, or take its flag away."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import azure.functions as func

from shared import errors, http, mail_access
from shared.graph_ids import graph_id
from shared.permissions import needing
from shared.services import Services

_MOST_BYTES = 1024
_FLAGS = ("notFlagged", "flagged", "complete")


def mark(request: func.HttpRequest, services: Services) -> http.Response:
    """What was changed, with the message's id. The body is JSON: `isRead`, `flag` with its `flagStatus`, or both.

    Raises errors.CrossSite, InvalidRequest, MessageNotFound, ConsentRequired (Mail.ReadWrite is asked for only when
    somebody wants to change something), and what a session and Graph raise.
    """
    http.require_own_page(request, services.config)
    http.parameters(request, ())
    changes = _changes(request.get_body())
    given = request.route_params.get("id", "")
    url = f"{services.graph.endpoint}/me/messages/{quote(graph_id(given), safe='')}"
    # A whole message as the answer could be megabytes.
    headers = {"Content-Type": "application/json", "Prefer": "return=minimal"}
    body = json.dumps(changes).encode()
    session, deadline = mail_access.opened(request, services)
    with needing(services.config, session.tokens.scopes, ("Mail.ReadWrite",)):
        mail_access.asked(
            services,
            session,
            deadline,
            lambda access: services.graph.call("PATCH", url, access, deadline, headers=headers, body=body),
        )
    return http.json_answer({"id": given, **changes})


def _changes(body: bytes) -> dict[str, Any]:
    """What is to be changed, made of nothing but what is known."""
    try:
        given = json.loads(body) if len(body) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not given or not set(given) <= {"isRead", "flag"}:
        raise errors.InvalidRequest("The body must be a JSON object with `isRead`, `flag` or both.")
    changes: dict[str, Any] = {}
    if "isRead" in given:
        if not isinstance(given["isRead"], bool):
            raise errors.InvalidRequest("`isRead` must be true or false.")
        changes["isRead"] = given["isRead"]
    if "flag" in given:
        flag = given["flag"]
        if not isinstance(flag, dict) or set(flag) != {"flagStatus"} or flag["flagStatus"] not in _FLAGS:
            raise errors.InvalidRequest("`flag` must be an object whose `flagStatus` is " + ", ".join(_FLAGS) + ".")
        changes["flag"] = {"flagStatus": flag["flagStatus"]}
    return changes
