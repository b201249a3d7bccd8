"""GET api/messages and api/messages/{id}: mail of the signed-in person."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import azure.functions as func

from shared import errors, http
from shared.clock import Deadline
from shared.cookies import Jar
from shared.graph import TokenRejected, graph_id, public_id
from shared.secret import Secret
from shared.services import Services
from shared.session_rows import Session
from shared.token_store import SECONDS as STORAGE_SECONDS

SECONDS = 25.0
_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,12000}")
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
    session, deadline = _session(request, services)
    if cursor is None:
        found = _asked(
            services, session, deadline, lambda token, box: services.graph.list_messages(token, box, int(top), deadline)
        )
    else:
        link = _link(cursor, session, services, deadline)
        found = _asked(
            services, session, deadline, lambda token, box: services.graph.next_messages(token, box, link, deadline)
        )
    messages, next_link = found
    return http.json_answer(
        {
            "messages": [_public(message) for message in messages if isinstance(message, dict)],
            "next": _cursor(next_link, session, services, deadline),
        }
    )


def message(request: func.HttpRequest, services: Services) -> http.Response:
    """One message with its text. Raises errors.MessageNotFound, and what a session and Graph raise."""
    http.refuse_cross_site(request)
    http.parameters(request, ())
    wanted = graph_id(request.route_params.get("id", ""))
    session, deadline = _session(request, services)
    found = _asked(services, session, deadline, lambda token, box: services.graph.message(token, box, wanted, deadline))
    return http.json_answer(_public(found))


def _session(request: func.HttpRequest, services: Services) -> tuple[Session, Deadline]:
    deadline = Deadline(services.clock, SECONDS)
    jar = Jar(request.headers.get("cookie", ""), services.config)
    session = services.sessions.open(jar.session_values(), deadline.within(STORAGE_SECONDS))
    session = services.refresher.fresh(session, deadline)
    services.sessions.touch(session, deadline.within(STORAGE_SECONDS))
    if not _granted(services.config.scopes, session.tokens.scopes):
        raise errors.ConsentRequired
    return session, deadline


@lru_cache(maxsize=64)
def _granted(asked: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Whether the tokens carry every permission that this app needs: Entra may take one back at any refresh.

    Entra names them long or short and in any case, `.default` by all that it stands for, and some not at all.
    """
    names = {scope.rpartition("/")[2].lower() for scope in given}
    wanted = {scope.rpartition("/")[2].lower() for scope in asked}
    return wanted <= names | {".default", "openid", "profile", "email", "offline_access"}


def _asked[T](services: Services, session: Session, deadline: Deadline, call: Callable[[Secret, str], T]) -> T:
    """Ask Graph; where it rejects the token, renew that once, with the claims that it demands, and ask again."""
    mailbox = f"{session.identity.tenant_id}/{session.identity.object_id}"
    try:
        return call(session.tokens.access_token, mailbox)
    except TokenRejected as rejected:
        session = services.refresher.renewed(session, rejected.claims, deadline)
    try:
        return call(session.tokens.access_token, mailbox)
    except TokenRejected as rejected:
        raise services.refresher.challenged(session, rejected.claims, deadline) from None


def _public(found: dict[str, Any]) -> dict[str, Any]:
    """A message as it leaves here: Graph's names, only those that were asked for, and our id."""
    known = {name: found[name] for name in _KEPT if name in found}
    identifier = found.get("id")
    return {"id": public_id(identifier) if isinstance(identifier, str) else None, **known}


def _cursor(link: str | None, session: Session, services: Services, deadline: Deadline) -> str | None:
    """The link to the next page, sealed to this session: a browser can neither read nor alter where it leads."""
    if link is None:
        return None
    sealed = services.sessions.seal_for(session, "cursor", link.encode(), deadline)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _link(cursor: str, session: Session, services: Services, deadline: Deadline) -> str:
    if not _CURSOR.fullmatch(cursor) or len(cursor) % 4 == 1:  # one character over is no whole byte of base64
        raise errors.InvalidCursor
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error:
        raise errors.InvalidCursor from None
    link = services.sessions.unseal_for(session, "cursor", sealed, deadline).decode()
    if not services.graph.is_own(link):
        raise errors.InvalidCursor
    return link
