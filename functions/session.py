"""GET auth/me: who is signed in; GET, DELETE auth/sessions and DELETE auth/sessions/{number}: where, and ending it."""

from __future__ import annotations

import azure.functions as func

from shared import errors, http, log
from shared.clock import Deadline, iso
from shared.cookies import Jar
from shared.services import Services
from shared.session_index import number
from shared.session_rows import Session
from shared.token_store import SECONDS

ENTRA_SECONDS = 2.0


def me(request: func.HttpRequest, services: Services) -> http.Response:
    """Who is signed in, from the session alone: Graph is not asked, and the idle time is not extended.

    Raises errors.NotSignedIn, InteractionRequired, StorageUnavailable, KeysUnavailable, CrossSite.
    """
    http.refuse_cross_site(request)
    http.parameters(request, ())
    jar = Jar(request.headers.get("cookie", ""), services.config)
    session = services.sessions.open(jar.session_values(), Deadline(services.clock, SECONDS))
    who = session.identity
    return http.json_answer(
        {
            "name": who.name,
            "preferred_username": who.preferred_username,
            "tenant_id": who.tenant_id,
            "object_id": who.object_id,
            "scopes": session.tokens.scopes,
            "expires": iso(session.expires),
            "public_url": services.config.public_url,
        }
    )


def list_sessions(request: func.HttpRequest, services: Services) -> http.Response:
    """Every session of the person, newest first. The idle time of none is extended.

    Raises errors.NotSignedIn, InteractionRequired, StorageUnavailable, CrossSite.
    """
    http.refuse_cross_site(request)
    http.parameters(request, ())
    jar, deadline = Jar(request.headers.get("cookie", ""), services.config), Deadline(services.clock, SECONDS)
    session = services.sessions.open(jar.session_values(), deadline)
    found = [
        {
            "number": one.number,
            "device": one.device,
            "created": iso(one.created),
            "last_seen": iso(one.last_seen),
            "current": one.current,
        }
        for one in services.signed_in.listed(session, deadline)
    ]
    return http.json_answer({"sessions": found})


def end_session(request: func.HttpRequest, services: Services) -> http.Response:
    """End one session of the person: 204, and the cookie goes with it where it is this one.

    Raises errors.SessionNotFound, and what `end_sessions` raises.
    """
    jar, session, deadline = _asked_by(request, services)
    name = request.route_params.get("number", "")
    if name != number(session.row.key):
        if not services.signed_in.end_one(session, name, deadline):
            raise errors.SessionNotFound
        return http.Response(b"", 204)
    services.sessions.end_row(session.row, deadline)
    return http.Response(b"", 204, cookies=[jar.end_session()])


def end_sessions(request: func.HttpRequest, services: Services) -> http.Response:
    """End every session of the person, this one too: 200 {"location"}, Entra's sign-out, and the cookie goes.

    Where storage fails half-way, this session is still there, to ask again with.
    Raises errors.NotSignedIn, StorageUnavailable, KeysUnavailable, CrossSite.
    """
    jar, session, deadline = _asked_by(request, services)
    who = session.identity
    try:
        ended = services.signed_in.end_all(session, deadline)
    except errors.StorageUnavailable as problem:
        log.event("sign_out_incomplete", tenant=who.tenant_id, person=who.object_id)
        problem.detail = "Some of your sessions may still be signed in. Try again."
        raise
    log.event("signed_out_everywhere", tenant=who.tenant_id, person=who.object_id, sessions=ended)
    location = services.auth.sign_out_url(who.login_hint, Deadline(services.clock, ENTRA_SECONDS))
    return http.json_answer({"location": location}, cookies=[jar.end_session()])


def _asked_by(request: func.HttpRequest, services: Services) -> tuple[Jar, Session, Deadline]:
    """Our own page asked for this; a session whose person is wanted at Entra first may be ended all the same."""
    http.require_own_page(request, services.config)
    http.parameters(request, ())
    jar, deadline = Jar(request.headers.get("cookie", ""), services.config), Deadline(services.clock, SECONDS)
    session = services.sessions.find(jar.session_values(), deadline)
    if session is None:
        raise errors.NotSignedIn
    return jar, session, deadline
