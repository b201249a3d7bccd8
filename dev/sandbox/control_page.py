"""The front page: what this is, and what happened."""

from __future__ import annotations

import hmac
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.sandbox.control import own_hosts
from dev.sandbox.pages import page
from dev.sandbox.world import world_of

SHOWN = 200


def routes() -> list[Route]:
    """GET /?token=..."""
    return [Route("/", control_page)]


async def control_page(request: Request) -> Response:
    """The last calls as rows, newest first. Without the token it says only what this is and how to get in."""
    world = world_of(request)
    token = request.query_params.get("token", "")
    if request.headers.get("host") not in own_hosts(request):
        return page("control.html", 403, allowed=False, calls=[], people=[])
    allowed = hmac.compare_digest(token.encode(), world.options.control_token.encode())
    calls = world.calls.since(0)[-SHOWN:][::-1] if allowed else []
    for call in calls:
        call["time_of_day"] = time.strftime("%H:%M:%S", time.localtime(call["time"]))
    return page("control.html", 200 if allowed else 401, allowed=allowed, calls=calls, people=list(world.people))
