"""The calls of Microsoft Graph that the gateway passes on: shapes as data, one line each, and all else refused.

Nothing of a caller's path is passed on. Its segments are compared with a shape's, and the path that Graph gets is built
anew from the shape's own words and from ids that were decoded, looked at and encoded again. Therefore no spelling of a
segment (dots, escapes, another case, a cast, a function's name) leads anywhere but to what stands here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from shared import errors
from shared.graph_ids import graph_id
from shared.mail import WELL_KNOWN_FOLDERS

MOST_BYTES = 4 * 1024 * 1024
"""Of a request's body: Graph takes no more in one request either."""

_ONE = ("$select",)
_LIST = ("$select", "$top", "$skip", "$count")
_SOUGHT = (*_LIST, "$filter", "$orderby", "$search")
_SPAN = (*_LIST, "$filter", "$orderby", "startDateTime", "endDateTime")
_READ = ("Mail.Read", "Mail.ReadWrite")
_WRITE = ("Mail.ReadWrite",)
_SEND = ("Mail.Send",)
_CALENDARS = ("Calendars.Read", "Calendars.ReadWrite")
_CONTACTS = ("Contacts.Read", "Contacts.ReadWrite")
_MAILBOX = ("MailboxSettings.Read", "MailboxSettings.ReadWrite")


@dataclass(frozen=True, slots=True)
class Shape:
    """One call. `{id}` stands for an id of Graph's as base64url, `{folder}` for that or one of WELL_KNOWN_FOLDERS.

    `query` names the options that are passed on; any of `permissions` is enough for it, and a person is asked for the
    first.
    """

    method: str
    path: str
    query: tuple[str, ...]
    permissions: tuple[str, ...]


SHAPES = (
    Shape("GET", "me", _ONE, ("User.Read", "User.ReadWrite")),
    Shape("GET", "me/messages", _SOUGHT, _READ),
    Shape("GET", "me/messages/{id}", _ONE, _READ),
    Shape("GET", "me/messages/{id}/attachments", _LIST, _READ),
    Shape("GET", "me/mailFolders", (*_LIST, "includeHiddenFolders"), _READ),
    Shape("GET", "me/mailFolders/{folder}", _ONE, _READ),
    Shape("GET", "me/mailFolders/{folder}/childFolders", (*_LIST, "includeHiddenFolders"), _READ),
    Shape("GET", "me/mailFolders/{folder}/messages", _SOUGHT, _READ),
    Shape("GET", "me/mailboxSettings", _ONE, _MAILBOX),
    Shape("GET", "me/calendarView", _SPAN, _CALENDARS),
    Shape("GET", "me/events/{id}", _ONE, _CALENDARS),
    Shape("GET", "me/contacts", _SOUGHT, _CONTACTS),
    Shape("GET", "me/contacts/{id}", _ONE, _CONTACTS),
    Shape("PATCH", "me/messages/{id}", (), _WRITE),
    Shape("DELETE", "me/messages/{id}", (), _WRITE),
    Shape("POST", "me/messages/{id}/move", (), _WRITE),
    Shape("POST", "me/messages/{id}/reply", (), _SEND),
    Shape("POST", "me/sendMail", (), _SEND),
)

# Exchange's ids are longer than 100 characters; so short a word as `delta` or `$count` would be a call of its own.
_ID = re.compile(r"[A-Za-z0-9+/=_-]{20,1024}")
_PREFERENCE = re.compile(
    r'outlook\.body-content-type="(?:text|html)"|IdType="ImmutableId"|odata\.maxpagesize=[0-9]{1,4}|return=minimal'
    r'|outlook\.timezone="[A-Za-z0-9 ()./+_-]{1,64}"'
)
_ANSWERED = ("preference-applied", "request-id")
_VALUE = re.compile(r"[\x20-\x7e]{1,512}")


def shape_of(method: str, path: str) -> tuple[Shape, str]:
    """The shape that a decoded path has, without its leading slash, and the path for Graph, rebuilt.

    Raises errors.NotFound for what has none.
    """
    segments = path.split("/")
    for shape in SHAPES:
        words = shape.path.split("/")
        if shape.method == method and len(words) == len(segments):
            rebuilt = [_rebuilt(word, segment) for word, segment in zip(words, segments, strict=True)]
            if None not in rebuilt:
                return shape, "/".join(segment for segment in rebuilt if segment is not None)
    raise errors.NotFound


def _rebuilt(word: str, given: str) -> str | None:
    """What goes to Graph in the place of one segment; None where it is not what the shape says."""
    if not word.startswith("{"):
        return word if given == word else None
    if word == "{folder}" and given in WELL_KNOWN_FOLDERS:
        return given
    try:
        found = graph_id(given)
    except errors.DrawbridgeError:
        return None
    return quote(found, safe="") if _ID.fullmatch(found) else None


def query_of(given: Mapping[str, str]) -> str:
    """Options whose names the shape has let through, encoded anew; empty or beginning with a question mark."""
    pairs = "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in given.items())
    return f"?{pairs}" if pairs else ""


def forwarded(headers: Mapping[str, str], *, body: bool) -> dict[str, str]:
    """What of a request's headers goes to Graph: known preferences, and the kind of a body. All else stays here.

    Preferences are advice (RFC 7240), so unknown ones are left out without a word; so is the one for unsafe HTML.
    """
    wishes = [wish.strip() for wish in headers.get("prefer", "").split(",")]
    known = ", ".join(wish for wish in wishes if _PREFERENCE.fullmatch(wish))
    sent = {"Prefer": known} if known else {}
    return {**sent, "Content-Type": "application/json"} if body else sent


def returned(headers: Mapping[str, str]) -> dict[str, str]:
    """What of an answer's headers goes to the caller: which preferences held, and Graph's name for the request."""
    return {name.title(): headers[name] for name in _ANSWERED if name in headers and _VALUE.fullmatch(headers[name])}
