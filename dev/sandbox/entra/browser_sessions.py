"""What Entra keeps in a browser: the `sid` of each of its sessions, of which it tells the apps at a sign-out."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

_COOKIE = "sandbox-sessions"
_SIDS = re.compile(r"[0-9A-Za-z-]+")


def sids(request: Request) -> list[str]:
    """The sessions of this browser, oldest first."""
    return _SIDS.findall(request.cookies.get(_COOKIE, ""))


def remember(sid: str, request: Request, answer: Response) -> None:
    """One more, of at most twenty."""
    known = [*sids(request), *_SIDS.findall(sid)]
    answer.set_cookie(_COOKIE, ".".join(known[-20:]), httponly=True, samesite="lax")


def forget(answer: Response) -> None:
    """The browser is signed out."""
    answer.delete_cookie(_COOKIE, httponly=True, samesite="lax")
