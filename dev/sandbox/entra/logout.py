"""end_session_endpoint. OpenID Connect RP-Initiated Logout 1.0 and Front-Channel Logout 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dev.sandbox.entra import browser_sessions
from dev.sandbox.pages import page
from dev.sandbox.world import world_of


def routes() -> list[Route]:
    """GET and POST alike."""
    return [Route("/{tenant}/oauth2/v2.0/logout", logout, methods=["GET", "POST"])]


async def logout(request: Request) -> Response:
    """Back to post_logout_redirect_uri where it is registered and the settings allow it, else a page that ends here.

    The apps hear of each session of this browser in a hidden frame: with `sid` alone, as Entra does.
    """
    world = world_of(request)
    parameters = dict(request.query_params) | request.state.form
    target = parameters.get("post_logout_redirect_uri")
    registered = target is not None and target in world.options.post_logout_uris
    uris = _front_channel(world.options.front_channel_logout_uris, target if registered else None)
    frames = [f"{uri}?{urlencode({'sid': sid})}" for uri in uris for sid in browser_sessions.sids(request)]
    if registered and world.settings.logout_redirects:
        state = {"state": parameters["state"]} if "state" in parameters else {}
        query = f"{'&' if '?' in str(target) else '?'}{urlencode(state)}" if state else ""
        location = f"{target}{query}"
        answer = page("signing_out.html", location=location, frames=frames) if frames else _redirect(location)
    else:
        hint = parameters.get("logout_hint", "")
        name = next((person.name for person in world.people if hint and person.answers_to(hint)), None)
        answer = page("signed_out.html", name=name, frames=frames)
    browser_sessions.forget(answer)
    return answer


def _redirect(location: str) -> Response:
    return RedirectResponse(location, 302)


def _front_channel(uris: Sequence[str], target: str | None) -> list[str]:
    """A registration has one such address. Where several apps share this one, it is that of the app that asked."""
    return [uri for uri in uris if target is None or urlsplit(uri)[:2] == urlsplit(target)[:2]]
