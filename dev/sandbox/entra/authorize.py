"""The authorize endpoint's rules, without its pages."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from dev.sandbox.demands import parsed_claims
from dev.sandbox.entra.discovery import tenant_in_endpoints
from dev.sandbox.entra.errors import EntraError, missing_parameter, unknown_client
from dev.sandbox.entra.grants import AuthorizationRequest, PendingPage, SignIn
from dev.sandbox.entra.scopes import parse_scopes
from dev.sandbox.options import CLIENT_ID
from dev.sandbox.people import Person
from dev.sandbox.world import World

_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class RedirectedError(Exception):
    """An EntraError that the person's browser carries to redirect_uri."""

    def __init__(self, location: str) -> None:
        super().__init__("an error goes to redirect_uri")
        self.location = location


def parse_request(world: World, tenant: str, query: Mapping[str, str]) -> AuthorizationRequest:
    """Check a request. Raises EntraError for what is shown on the page, RedirectedError for all else."""
    tenant = tenant_in_endpoints(tenant)
    client_id = query.get("client_id", "")
    if not client_id:
        raise missing_parameter("client_id", on_page=True)
    if client_id.lower() != CLIENT_ID:
        raise unknown_client(client_id, tenant)
    redirect_uri = query.get("redirect_uri") or next(iter(world.options.redirect_uris), "")
    if redirect_uri not in world.options.redirect_uris:
        text = (
            f"The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured "
            f"for the application '{CLIENT_ID}'. Make sure the redirect URI sent in the request matches one added to "
            "your application in the Azure portal."
        )
        raise EntraError(50011, "invalid_request", text, on_page=True)
    try:
        return _parse_parameters(tenant, redirect_uri, query)
    except EntraError as error:
        parameters = error.redirect_parameters(world.clock.now())
        raise RedirectedError(_with_query(redirect_uri, parameters, query.get("state"))) from error


def _parse_parameters(tenant: str, redirect_uri: str, query: Mapping[str, str]) -> AuthorizationRequest:
    claims = _check_supported(query)
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method", "plain")
    if method not in ("S256", "plain"):
        raise EntraError(501491, "invalid_request", f"Invalid code challenge method '{method}'.")
    if challenge is not None and not _CODE_CHALLENGE.fullmatch(challenge):
        raise EntraError(50147, "invalid_request", "The size of the code challenge parameter isn't valid.")
    scopes = parse_scopes(query.get("scope", ""))
    if query.get("prompt") == "none":
        text = "A silent sign-in request was sent but no user is signed in."
        raise EntraError(50058, "login_required", text)
    return AuthorizationRequest(
        tenant=tenant,
        client_id=CLIENT_ID,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=query.get("state"),
        nonce=query.get("nonce"),
        code_challenge=challenge,
        code_challenge_method=method,
        prompt=query.get("prompt"),
        login_hint=query.get("login_hint"),
        domain_hint=query.get("domain_hint"),
        client_info=query.get("client_info") == "1",
        claims=claims,
    )


def _check_supported(query: Mapping[str, str]) -> dict[str, Any]:
    """Raise EntraError for what Entra does not know; the claims that are asked for."""
    if "response_type" not in query:
        raise missing_parameter("response_type")
    if query["response_type"] != "code":
        text = f"The response type '{query['response_type']}' is not enabled for the application."
        raise EntraError(700054, "unsupported_response_type", text)
    if query.get("response_mode", "query") != "query":
        raise EntraError(90023, "invalid_request", "Unsupported 'response_mode' value.")
    if query.get("prompt", "none") not in ("none", "login", "consent", "select_account"):
        raise EntraError(90023, "invalid_request", f"Unsupported 'prompt' value: {query['prompt']}.")
    try:
        return parsed_claims(query.get("claims"))
    except ValueError:
        raise EntraError(90023, "invalid_request", "The 'claims' parameter is not valid JSON.") from None


def people_to_choose(world: World, request: AuthorizationRequest) -> list[Person]:
    """Who may sign in at this authority, the one the hint names first."""
    personal = request.tenant == "consumers" or request.domain_hint == "consumers"
    work_only = request.tenant not in ("common", "consumers") or request.domain_hint not in (None, "", "consumers")
    people = [
        person
        for person in world.people
        if not (personal and person.kind != "personal") and not (work_only and person.kind == "personal")
    ]
    return sorted(people, key=lambda person: not person.answers_to(request.login_hint or ""))


def sign_in(world: World, page: PendingPage, key: str) -> None:
    """Somebody chose an account. Raises EntraError 50020 for one that this authority does not take."""
    for person in people_to_choose(world, page.request):
        if person.key == key:
            sid = person.claims.get("sid")
            now = int(world.clock.now())
            page.sign_in = SignIn(person, now, sid) if isinstance(sid, str) else SignIn(person, now)
            return
    text = f"User account '{key}' from identity provider 'live.com' does not exist in tenant '{page.request.tenant}'."
    raise EntraError(50020, "invalid_request", text, on_page=True)


def prove(page: PendingPage) -> None:
    """The person has approved the request that reached the phone."""
    assert page.sign_in is not None, "nobody has signed in on this page"
    page.sign_in = replace(page.sign_in, claims=page.request.claims)


def needs_consent(world: World, page: PendingPage) -> bool:
    """Whether the person has to be asked: something is new, or prompt=consent."""
    if page.sign_in is None:
        return False
    agreed = world.consents.get(page.sign_in.person.key, frozenset())
    return page.request.prompt == "consent" or not set(page.request.scopes) <= agreed


def accept(world: World, page: PendingPage) -> str:
    """Remember the consent and issue a code: the URL to which the browser is sent. RFC 6749 section 4.1.2."""
    assert page.sign_in is not None, "nobody has signed in on this page"
    person, request = page.sign_in.person, page.request
    world.consents[person.key] = world.consents.get(person.key, frozenset()) | frozenset(request.scopes)
    code = world.grants.new_code(request, page.sign_in)
    parameters = {"code": code.value}
    if request.client_info:
        parameters["client_info"] = client_info(person)
    return _with_query(request.redirect_uri, parameters, request.state, {"session_state": page.sign_in.sid})


def decline(world: World, page: PendingPage) -> str:
    """The person pressed Cancel."""
    text = f"User declined to consent to access the app '{CLIENT_ID}'."
    error = EntraError(65004, "access_denied", text)
    return _with_query(page.request.redirect_uri, error.redirect_parameters(world.clock.now()), page.request.state)


def open_page(world: World, request: AuthorizationRequest) -> tuple[str, PendingPage]:
    """Begin a sign-in: the page and the handle under which its forms find it."""
    handle = secrets.token_urlsafe(16)
    page = world.pages[handle] = PendingPage(request)
    return handle, page


def client_info(person: Person) -> str:
    """Unpadded base64url of {"uid", "utid"}: the account at home, which differs for guests."""
    document: dict[str, Any] = {"uid": person.home_object_id, "utid": person.home_tenant_id}
    return base64.urlsafe_b64encode(json.dumps(document, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _with_query(
    redirect_uri: str, parameters: Mapping[str, str], state: str | None, last: Mapping[str, str] | None = None
) -> str:
    pairs = dict(parameters)
    if state is not None:
        pairs["state"] = state
    pairs |= last or {}
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(pairs)}"
