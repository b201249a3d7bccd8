"""The ASGI application behind both listeners."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from dev.sandbox import control, control_page, pages
from dev.sandbox.entra import discovery, logout, sign_in_pages, token_endpoint
from dev.sandbox.front_door import FrontDoor
from dev.sandbox.graph import api
from dev.sandbox.identity import api as identity
from dev.sandbox.vault import api as vault
from dev.sandbox.world import World


def build(world: World) -> ASGIApp:
    """Routes, with the gate of the control endpoint around them and the front door around all."""
    inner = Starlette(
        routes=[
            *control.routes(),
            *control_page.routes(),
            *pages.routes(),
            *api.routes(),
            *discovery.routes(),
            *token_endpoint.routes(),
            *sign_in_pages.routes(),
            *logout.routes(),
            *identity.routes(),
            *vault.routes(),
        ],
        middleware=[Middleware(control.ControlGate, world)],
    )
    inner.state.world = world
    return FrontDoor(inner, world)
