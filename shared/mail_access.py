"""What every handler that asks Graph does first and last: the session, a good token, and cursors of lists."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache

import azure.functions as func

from shared import errors
from shared.clock import Deadline
from shared.cookies import Jar
from shared.graph import Access, TokenRejected
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
    names = {scope.rpartition("/")[2].lower() for scope in given}
    wanted = {scope.rpartition("/")[2].lower() for scope in asked}
    return wanted <= names | {".default", "openid", "profile", "email", "offline_access"}


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


def cursor_of(link: str | None, session: Session, services: Services, deadline: Deadline) -> str | None:
    """The link to the next page, sealed to this session: a browser can neither read nor alter where it leads."""
    if link is None:
        return None
    sealed = services.sessions.seal_for(session, "cursor", link.encode(), deadline)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def link_of(cursor: str, session: Session, services: Services, deadline: Deadline) -> str:
    """The link that a cursor holds. Raises errors.InvalidCursor."""
    if not _CURSOR.fullmatch(cursor) or len(cursor) % 4 == 1:  # one character over is no whole byte of base64
        raise errors.InvalidCursor
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error:
        raise errors.InvalidCursor from None
    found = services.sessions.unseal_for(session, "cursor", sealed, deadline).decode()
    if not services.graph.is_own(found):
        raise errors.InvalidCursor
    return found
