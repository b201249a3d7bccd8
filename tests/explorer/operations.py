"""What an actor may do: the app's own code, as the handlers of its routes call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.explorer.process import Process
from tests.explorer.scenario import Start
from tests.fakes import build

type Operation = Callable[[Process, Start], str]


def use(process: Process, start: Start) -> str:
    """Read mail: the session with a token that is not expired, and a note that it was used."""
    deadline = process.deadline()
    session = process.sessions.open([start.cookies[0]], deadline)
    session = process.refresher.fresh(session, deadline)
    process.sessions.touch(session, deadline)
    return f"used {session.tokens.access_token.reveal()}"


def sign_out(process: Process, start: Start) -> str:
    """Sign out the first session."""
    deadline = process.deadline(4.0)
    cookies = [start.cookies[0]]
    process.sessions.find(cookies, deadline)
    process.sessions.end(process.sessions.keys(cookies), deadline)
    return "signed out"


def sign_in(process: Process, start: Start) -> str:
    """The same person signs in with another browser."""
    name = process.actor.name
    issued = build.tokens(process.clock, access=f"access-of-{name}", refresh=f"refresh-of-{name}")
    process.cookies.append(process.sessions.start(build.identity(), issued, "Chrome", process.deadline(4.0)))
    return "signed in"


OPERATIONS: Mapping[str, Operation] = {"use": use, "sign_out": sign_out, "sign_in": sign_in}
ENDING = frozenset({"sign_out"})
"""Those after which the session is over."""
