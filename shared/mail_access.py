"""What handlers that ask Graph have in common: the session, a good token, parameters and cursors of lists, our ids."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import azure.functions as func

from shared import errors, graph_errors, http
from shared.clock import Deadline
from shared.cookies import Jar
from shared.graph import Access, TokenRejected
from shared.graph_ids import graph_id, public_id
from shared.mail import WELL_KNOWN_FOLDERS
from shared.permissions import NO_PERMISSION, names
from shared.services import Services
from shared.session_rows import Session
from shared.token_store import SECONDS as STORAGE_SECONDS

SECONDS = 25.0
_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,12000}")


def opened(request: func.HttpRequest, services: Services) -> tuple[Session, Deadline]:
    """The living session of a request with a fresh token, and the request's deadline.

    Raises errors.NotSignedIn, InteractionRequired, ConsentRequired and what storage, keys and Entra raise.
    """
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
    return names(asked) <= names(given) | NO_PERMISSION


def asked[T](services: Services, session: Session, deadline: Deadline, call: Callable[[Access], T]) -> T:
    """Ask Graph; where it rejects the token, renew that once, with the claims that it demands, and ask again."""
    mailbox = f"{session.identity.tenant_id}/{session.identity.object_id}"
    try:
        return call(Access(session.tokens.access_token, mailbox))
    except TokenRejected as rejected:
        session = services.refresher.renewed(session, rejected.claims, deadline)
    try:
        return call(Access(session.tokens.access_token, mailbox))
    except TokenRejected as rejected:
        raise services.refresher.challenged(session, rejected.claims, deadline) from None


def list_parameters(request: func.HttpRequest, known: Collection[str]) -> dict[str, str]:
    """The query of a list: `top` and those of `known`, or `cursor` alone. Raises errors.InvalidRequest."""
    given = http.parameters(request, ("top", "cursor", *known))
    if "cursor" in given and len(given) > 1:
        raise errors.InvalidRequest("`cursor` goes alone: it says already what it is a page of.")
    return given


def top_of(given: Mapping[str, str]) -> int:
    """How long a list is to be: 25 where nothing is said. Raises errors.InvalidRequest."""
    top = given.get("top", "25")
    if not re.fullmatch(r"[1-9]|[1-4][0-9]|50", top):
        raise errors.InvalidRequest("`top` must be a number from 1 to 50.")
    return int(top)


def folder_of(given: str) -> str:
    """A folder as Graph names it: a well-known name, or its id out of ours. Raises graph_errors.FolderNotFound."""
    return given if given in WELL_KNOWN_FOLDERS else graph_id(given, graph_errors.FolderNotFound)


def public(found: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """A message or folder as it leaves here: Graph's names, only those of `fields`, and our ids."""
    known = {name: found[name] for name in fields if name in found}
    for name in ("id", "parentFolderId"):
        if name in known:
            known[name] = public_id(known[name]) if isinstance(known[name], str) else None
    return {"id": None, **known}


def cursor_of(of: str, link: str | None, session: Session, services: Services, deadline: Deadline) -> str | None:
    """The link to the next page of this list, sealed to it and to the session: no browser reads or alters it."""
    if link is None:
        return None
    sealed = services.sessions.seal_for(session, f"cursor {of}", link.encode(), deadline)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def link_of(of: str, cursor: str, session: Session, services: Services, deadline: Deadline) -> str:
    """The link that a cursor of this list holds. Raises errors.InvalidCursor for every other."""
    if not _CURSOR.fullmatch(cursor) or len(cursor) % 4 == 1:  # one character over is no whole byte of base64
        raise errors.InvalidCursor
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error:
        raise errors.InvalidCursor from None
    found = services.sessions.unseal_for(session, f"cursor {of}", sealed, deadline).decode()
    if not services.graph.is_own(found):
        raise errors.InvalidCursor
    return found
