"""What a person sees: the choice of an account, then the questions for proof and consent."""

from __future__ import annotations

import json
import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dev.sandbox.entra import browser_sessions
from dev.sandbox.entra.authorize import (
    RedirectedError,
    accept,
    decline,
    needs_consent,
    open_page,
    parse_request,
    people_to_choose,
    prove,
    sign_in,
)
from dev.sandbox.entra.errors import EntraError, new_trace_id
from dev.sandbox.entra.grants import PendingPage
from dev.sandbox.entra.scopes import PERMISSIONS
from dev.sandbox.pages import page
from dev.sandbox.people import TENANT_NAME
from dev.sandbox.world import World, world_of


def routes() -> list[Route]:
    """The authorize endpoint and the forms that follow it."""
    return [
        Route("/{tenant}/oauth2/v2.0/authorize", authorize, methods=["GET"]),
        Route("/{tenant}/login", choose_account, methods=["POST"]),
        Route("/{tenant}/verify", ask_proof, methods=["GET"]),
        Route("/{tenant}/verify", answer_proof, methods=["POST"]),
        Route("/{tenant}/consent", ask_consent, methods=["GET"]),
        Route("/{tenant}/consent", answer_consent, methods=["POST"]),
    ]


async def authorize(request: Request) -> Response:
    """Show who can sign in; errors that are not ours to redirect are shown here."""
    world, tenant = world_of(request), request.path_params["tenant"]
    try:
        parsed = parse_request(world, tenant, request.query_params)
    except EntraError as error:
        return _error_page(error)
    except RedirectedError as error:
        return RedirectResponse(error.location, 302)
    handle, _ = open_page(world, parsed)
    people = people_to_choose(world, parsed)
    hinted = people[0].key if parsed.login_hint and people[0].answers_to(parsed.login_hint) else None
    return page("sign_in.html", handle=handle, tenant=tenant, people=people, hinted=hinted, tenant_name=TENANT_NAME)


async def choose_account(request: Request) -> Response:
    """Somebody pressed one of the accounts."""
    world, tenant = world_of(request), request.path_params["tenant"]
    try:
        handle, pending = _pending(world, request.state.form.get("page", ""))
        sign_in(world, pending, request.state.form.get("person", ""))
    except EntraError as error:
        return _error_page(error)
    answer = _next_question(world, tenant, handle, pending)
    if pending.sign_in is not None:
        browser_sessions.remember(pending.sign_in.sid, request, answer)
    return answer


async def ask_proof(request: Request) -> Response:
    """Say that more proof is wanted, for the claims that the app asked for."""
    try:
        handle, pending = _pending(world_of(request), request.query_params.get("page", ""), signed_in=True)
    except EntraError as error:
        return _error_page(error)
    assert pending.sign_in is not None
    return page(
        "verify.html",
        handle=handle,
        tenant=request.path_params["tenant"],
        tenant_name=TENANT_NAME,
        person=pending.sign_in.person,
        number=10 + secrets.randbelow(90),
        claims=json.dumps(pending.request.claims, indent=2, ensure_ascii=False),
    )


async def answer_proof(request: Request) -> Response:
    """Approve leads on, Cancel back with access_denied."""
    world, form = world_of(request), request.state.form
    try:
        handle, pending = _pending(world, form.get("page", ""), signed_in=True)
    except EntraError as error:
        return _error_page(error)
    if form.get("decision") != "approve":
        del world.pages[handle]
        return RedirectResponse(decline(world, pending), 302)
    prove(pending)
    return _next_question(world, request.path_params["tenant"], handle, pending)


async def ask_consent(request: Request) -> Response:
    """List what the app asks for."""
    try:
        handle, pending = _pending(world_of(request), request.query_params.get("page", ""), signed_in=True)
    except EntraError as error:
        return _error_page(error)
    assert pending.sign_in is not None
    permissions = [PERMISSIONS[name] for name in pending.request.scopes if name in PERMISSIONS]
    person, tenant = pending.sign_in.person, request.path_params["tenant"]
    return page("consent.html", handle=handle, tenant=tenant, person=person, permissions=permissions)


async def answer_consent(request: Request) -> Response:
    """Accept leads back with a code, Cancel with access_denied (AADSTS65004)."""
    world, form = world_of(request), request.state.form
    try:
        handle, pending = _pending(world, form.get("page", ""), signed_in=True)
    except EntraError as error:
        return _error_page(error)
    accepted = form.get("decision") == "accept"
    if accepted and pending.needs_proof:
        return _next_question(world, request.path_params["tenant"], handle, pending)
    del world.pages[handle]
    return RedirectResponse(accept(world, pending) if accepted else decline(world, pending), 302)


def _next_question(world: World, tenant: str, handle: str, pending: PendingPage) -> Response:
    """What is still to be asked; once nothing is, back to the app with a code."""
    if pending.needs_proof:
        return RedirectResponse(f"/{tenant}/verify?page={handle}", 303)
    if needs_consent(world, pending):
        return RedirectResponse(f"/{tenant}/consent?page={handle}", 303)
    del world.pages[handle]
    return RedirectResponse(accept(world, pending), 302)


def _pending(world: World, handle: str, *, signed_in: bool = False) -> tuple[str, PendingPage]:
    pending = world.pages.get(handle)
    if pending is None or (signed_in and pending.sign_in is None):
        text = "The flow token for this request is not valid any more. Go back to the app and begin again."
        raise EntraError(50089, "invalid_grant", text, on_page=True)
    return handle, pending


def _error_page(error: EntraError) -> Response:
    return page("error.html", error.status, error=error, trace_id=new_trace_id())
