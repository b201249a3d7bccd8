"""end_session_endpoint. OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dev.sandbox.pages import page
from dev.sandbox.world import world_of


def routes() -> list[Route]:
    """GET and POST alike."""
    return [Route("/{tenant}/oauth2/v2.0/logout", logout, methods=["GET", "POST"])]


async def logout(request: Request) -> Response:
    """Back to post_logout_redirect_uri where it is registered and the settings allow it, else a page that ends here."""
    world = world_of(request)
    parameters = dict(request.query_params) | request.state.form
    target = parameters.get("post_logout_redirect_uri")
    hint = parameters.get("logout_hint", "")
    name = next((person.name for person in world.people if hint and person.answers_to(hint)), None)
    if target is not None and target in world.options.post_logout_uris and world.settings.logout_redirects:
        state = {"state": parameters["state"]} if "state" in parameters else {}
        query = f"{'&' if '?' in target else '?'}{urlencode(state)}" if state else ""
        return RedirectResponse(f"{target}{query}", 302)
    return page("signed_out.html", name=name)
