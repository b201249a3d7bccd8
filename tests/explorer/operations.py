"""What an actor may do: the app's own code, called as the handlers of its routes call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared import errors
from shared.token_store import TABLES, Table
from tests.explorer.process import Process
from tests.explorer.scenario import Start, person
from tests.fakes import build

LATER = 700.0
"""By then a data key that was made at the beginning is the current one."""


def use(process: Process, start: Start) -> str:
    """Read mail: the session with a token that has not expired, and a note that it was used."""
    deadline = process.deadline()
    session = process.sessions.open([start.cookies[0]], deadline.within(4.0))
    session = process.refresher.fresh(session, deadline)
    process.sessions.touch(session, deadline.within(4.0))
    if session.tokens.expires <= process.clock.now():
        return "used an expired token"
    return f"used {session.tokens.access_token.reveal()}"


def use_twice(process: Process, start: Start) -> str:
    """Two requests that one process serves: the second knows what the first has learnt."""
    try:
        use(process, start)
    except (errors.StorageUnavailable, errors.SessionBusy, errors.EntraUnavailable):
        process.pause(1.0)
    return use(process, start)


def challenged(process: Process, start: Start) -> str:
    """Graph rejects the token and demands claims; Entra gives another token, and Graph rejects that too."""
    deadline = process.deadline()
    session = process.refresher.fresh(process.sessions.open([start.cookies[0]], deadline.within(4.0)), deadline)
    session = process.refresher.renewed(session, "claims", deadline)
    raise process.refresher.challenged(session, "claims", deadline)


def sign_out(process: Process, start: Start) -> str:
    """Sign out the first session."""
    deadline = process.deadline(4.0)
    cookies = [start.cookies[0]]
    process.sessions.find(cookies, deadline)
    process.sessions.end(process.sessions.keys(cookies), deadline)
    return "signed out"


def everywhere(process: Process, start: Start) -> str:
    """Sign out everywhere, in the browser of the first session."""
    deadline = process.deadline(4.0)
    session = process.sessions.find([start.cookies[0]], deadline)
    if session is None:
        raise errors.NotSignedIn
    process.signed_in.end_all(session, deadline)
    return "signed out everywhere"


def front_channel(process: Process, start: Start) -> str:
    """Entra tells us that the first session's person has signed out there."""
    process.signed_in.end_sid(person(0).sid, None, process.deadline(4.0))
    return "signed out at Entra"


def sign_in(process: Process, start: Start) -> str:
    """The same person signs in with another browser."""
    name = process.actor.name
    issued = build.tokens(process.clock, access=f"access-of-{name}", refresh=f"refresh-of-{name}")
    cookie = process.sessions.start(build.identity(sid=f"sid-of-{name}"), issued, "Chrome", process.deadline(4.0))
    process.model.cookies[process.actor.number] = cookie
    return "signed in"


def sign_in_again(process: Process, start: Start) -> str:
    """Sign in in the browser of the first session, which the new one replaces."""
    sign_in(process, start)
    process.sessions.end(process.sessions.keys([start.cookies[0]]), process.deadline(4.0), "replaced")
    return "signed in again"


def purge(process: Process, start: Start) -> str:
    """The timer that deletes what has expired."""
    process.purge.run()
    return "purged"


def rotate(process: Process, start: Start) -> str:
    """Make the next data key, and read mail when that has become the current one."""
    process.keyring.rotate_if_due(process.deadline())
    process.sleep_until(LATER)
    return use(process, start)


@dataclass(frozen=True, slots=True)
class Operation:
    """`ends` says which of the first two sessions it may end, and whether those of sign-ins too."""

    do: Callable[[Process, Start], str]
    touches: frozenset[Table] = frozenset({"sessions"})
    """The tables that it may read or write. Whoever may touch the keys reads them first."""
    ends: frozenset[int] = frozenset()
    ends_new: bool = False


FIRST = frozenset({0})
INDEXED: frozenset[Table] = frozenset({"sessions", "sessionindex"})
ALL: frozenset[Table] = frozenset(TABLES)

OPERATIONS: Mapping[str, Operation] = {
    "use": Operation(use),
    "use_twice": Operation(use_twice),
    "cold_use": Operation(use, ALL),
    "challenged": Operation(challenged),
    "sign_out": Operation(sign_out, INDEXED, FIRST),
    "everywhere": Operation(everywhere, INDEXED, frozenset({0, 1}), ends_new=True),
    "front_channel": Operation(front_channel, INDEXED, FIRST),
    "sign_in": Operation(sign_in, INDEXED),
    "cold_sign_in": Operation(sign_in, ALL),
    "sign_in_again": Operation(sign_in_again, INDEXED, FIRST),
    "purge": Operation(purge, ALL),
    "rotate": Operation(rotate, ALL),
}
ENDED = {
    "sign_out": ("signed out", FIRST),
    "everywhere": ("signed out everywhere", frozenset({0, 1})),
    "front_channel": ("signed out at Entra", FIRST),
    "sign_in_again": ("signed in again", FIRST),
}
"""By operation: what it says where it has ended sessions, and which."""
