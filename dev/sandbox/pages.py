"""The sandbox's HTML pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "templates"
_templates = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
_HEADERS = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A page from templates/, every value escaped."""
    return HTMLResponse(_templates.get_template(template).render(context), status, headers=_HEADERS)


def routes() -> list[Route]:
    """The style sheet of all pages."""
    return [Route("/_static/sandbox.css", style_sheet)]


async def style_sheet(request: Request) -> Response:
    """templates/sandbox.css."""
    return Response((_FOLDER / "sandbox.css").read_bytes(), media_type="text/css")
