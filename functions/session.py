"""GET auth/me: who is signed in."""

from __future__ import annotations

import azure.functions as func

from shared import http
from shared.clock import Deadline, iso
from shared.cookies import Jar
from shared.services import Services
from shared.token_store import SECONDS


def me(request: func.HttpRequest, services: Services) -> http.Response:
    """Who is signed in, from the session alone: Graph is not asked, and the idle time is not extended.

    Raises errors.NotSignedIn, StorageUnavailable, CrossSite.
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
