"""GET, POST, PATCH, DELETE graph/v1.0/{*path}: Microsoft Graph for what has no endpoint of its own here."""

from __future__ import annotations

import json

import azure.functions as func

from shared import errors, graph_errors, http, mail_access
from shared.clock import Deadline
from shared.graph import json_of
from shared.graph_shapes import MOST_BYTES, Shape, forwarded, query_of, returned, shape_of
from shared.permissions import needing
from shared.services import Services
from shared.session_rows import Session
from shared.wire import Answer

_NEXT = "@odata.nextLink"


def gateway(request: func.HttpRequest, services: Services) -> http.Response:
    """Graph's answer to one of the calls in graph_shapes, made with the session's token.

    Ids are base64url in the path and Graph's own in JSON. The link to a list's next page leads back here, with a
    `cursor` that is sealed to the session. Only our own page may write.
    Raises errors.CrossSite, NotFound (no such shape, or Graph does not know the id), InvalidRequest, InvalidCursor,
    ConsentRequired for exactly the permission that the call needs, and what a session and Graph raise.
    """
    reads = request.method == "GET"
    if reads:
        http.refuse_cross_site(request)
    else:
        http.require_own_page(request, services.config)
    asked_path = request.route_params.get("path") or ""
    shape, path = shape_of(str(request.method), asked_path)
    given = http.parameters(request, (*shape.query, "cursor") if reads else ())
    if "cursor" in given and len(given) > 1:
        raise errors.InvalidRequest("`cursor` goes alone: it says already what it is a page of.")
    body = _body(request, shape)
    headers = forwarded(request.headers, body=body is not None)
    session, deadline = mail_access.opened(request, services)
    url = f"{services.graph.endpoint}/{path}{query_of(given)}"
    if "cursor" in given:
        url = mail_access.link_of("graph", given["cursor"], session, services, deadline)
    with needing(services.config, session.tokens.scopes, shape.permissions):
        answer = mail_access.asked(
            services,
            session,
            deadline,
            lambda access: services.graph.call(
                shape.method, url, access, deadline, headers=headers, body=body, missing=errors.NotFound
            ),
        )
    return _passed_on(answer, asked_path, session, services, deadline)


def _body(request: func.HttpRequest, shape: Shape) -> bytes | None:
    """A body for Graph, written anew: whatever else was in the bytes, this is one JSON object and no more."""
    if shape.method not in ("POST", "PATCH"):
        return None
    sent = request.get_body()
    try:
        found = json.loads(sent) if len(sent) <= MOST_BYTES else None
        if not isinstance(found, dict):
            raise ValueError
        return json.dumps(found, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise errors.InvalidRequest("The body must be a JSON object of at most 4 MB.") from None


def _passed_on(answer: Answer, path: str, session: Session, services: Services, deadline: Deadline) -> http.Response:
    headers = returned(answer.headers)
    if answer.status in (202, 204):
        return http.Response(b"", answer.status, headers=headers)
    if answer.status not in (200, 201):
        raise graph_errors.GraphBadAnswer
    found = json_of(answer)
    link = found.get(_NEXT)
    if link is not None:
        if not services.graph.is_own(link):
            raise graph_errors.GraphBadAnswer
        cursor = mail_access.cursor_of("graph", link, session, services, deadline)
        found[_NEXT] = f"{services.config.public_url}/graph/v1.0/{path}?cursor={cursor}"
    return http.Response(json.dumps(found, separators=(",", ":")), answer.status, headers=headers)
