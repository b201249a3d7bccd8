"""What answers of the imitation of Graph have in common: who asks, whose mailbox, which preferences, which link."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import errors
from dev.sandbox.graph.mailbox import Mailbox, View
from dev.sandbox.world import World

_PREFERENCES = (
    'outlook.body-content-type="text"',
    'outlook.body-content-type="html"',
    'IdType="ImmutableId"',
)


def authenticate(world: World, authorization: str, where: str) -> AccessToken:
    """Whose token the Authorization header has. Raises GraphError 401."""
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


def require(token: AccessToken, *one_of: str) -> None:
    """Raises GraphError 403 where the token has none of these scopes."""
    if not token.scopes & set(one_of):
        raise errors.access_denied()


def mailbox_of(world: World, token: AccessToken, *one_of: str) -> Mailbox:
    """The token's mailbox, for what one of these scopes lets do, or else for reading mail.

    Raises GraphError where none was granted, where there is no mailbox, or where it is busy.
    """
    require(token, *(one_of or ("Mail.Read", "Mail.ReadWrite")))
    limit = world.settings.mailbox_concurrency
    if limit is not None and world.calls.graph_requests_at_once(token.person.key) > limit:
        raise errors.throttled()
    mailbox = world.mailboxes.of(token.person)
    if mailbox is None:
        raise errors.no_mailbox()
    return mailbox


def next_link(base: str, request: Request, raw_query: str, skip: int | None, option: str) -> str | None:
    """The same request with the next position as $skip or $skiptoken; None on the last page."""
    if skip is None:
        return None
    options = [(name, value) for name, value in parse_qsl(raw_query) if name not in ("$skip", "$skiptoken")]
    path = request.scope["raw_path"].decode("ascii").removeprefix("/v1.0")
    return f"{base}{path}?{urlencode([*options, (option, str(skip))], quote_via=quote)}"


def view_of(request: Request, headers: dict[str, str]) -> View:
    """Read the Prefer headers, and say in Preference-Applied which of them were honoured. RFC 7240."""
    asked = [part.strip().lower() for value in request.headers.getlist("prefer") for part in value.split(",")]
    applied = [name for name in _PREFERENCES if name.lower() in asked]
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)
    return View('outlook.body-content-type="text"' in applied, 'IdType="ImmutableId"' in applied)


def base_of(world: World, request: Request) -> str:
    """The base that the request came to, so that links lead back to the same listener."""
    return f"{world.https_url if request.url.scheme == 'https' else world.http_url}/v1.0"
