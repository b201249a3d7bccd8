"""Answers of the imitation of Graph about the calendar: a span of it, and one event."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request

from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import errors
from dev.sandbox.graph.asking import base_of, mailbox_of, next_link
from dev.sandbox.graph.events import ENTRIES, Event, events_between, find_event, shown_event
from dev.sandbox.graph.mailbox import encode
from dev.sandbox.graph.query import parse_page, parse_select
from dev.sandbox.world import World

_ZONE = re.compile(r'outlook\.timezone="([^"]*)"', re.IGNORECASE)
_WINDOWS_NAMES = {"W. Europe Standard Time": "Europe/Berlin", "Eastern Standard Time": "America/New_York"}
_UTC = ZoneInfo("UTC")
PROPERTIES = frozenset(
    shown_event(Event(ENTRIES[0], "", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)), "UTC", _UTC)
)
_READ = ("Calendars.Read", "Calendars.ReadWrite")


def calendar_view(world: World, token: AccessToken, request: Request, headers: dict[str, str]) -> bytes:
    """The events that touch a span, each occurrence by itself."""
    mailbox_of(world, token, *_READ)
    first, last = (_instant(request, name) for name in ("startDateTime", "endDateTime"))
    if not first < last or (last - first).days > 1825:
        text = "The set duration between the start date and end date is out of range."
        raise errors.GraphError(400, "ErrorInvalidParameter", text, bare=True)
    if request.query_params.get("$orderby", "start/dateTime") not in ("start/dateTime", "start/dateTime asc"):
        raise errors.bad_query("OrderBy not supported.")
    raw_query = request.scope["query_string"].decode("ascii", "replace")
    page = parse_page(raw_query)
    select = parse_select(request.query_params.get("$select"), PROPERTIES, "event")
    zone_name, zone = _zone(request, headers)
    events = events_between(str(token.person.mailbox), first, last)
    base, end = base_of(world, request), page.skip + page.top
    document: dict[str, Any] = {
        "@odata.context": f"{base}/$metadata#users('{quote(str(token.person.claims.get('oid')))}')/calendarView",
        "value": [_selected(shown_event(event, zone_name, zone), select) for event in events[page.skip : end]],
    }
    link = next_link(base, request, raw_query, end if end < len(events) else None, "$skip")
    return encode(document | ({"@odata.nextLink": link} if link else {}))


def one_event(world: World, token: AccessToken, request: Request, event_id: str, headers: dict[str, str]) -> bytes:
    """One occurrence by its id."""
    mailbox_of(world, token, *_READ)
    found = find_event(str(token.person.mailbox), event_id)
    if found is None:
        raise errors.item_not_found() if len(event_id) >= 40 else errors.malformed_id()
    select = parse_select(request.query_params.get("$select"), PROPERTIES, "event")
    oid = quote(str(token.person.claims.get("oid")))
    context = {"@odata.context": f"{base_of(world, request)}/$metadata#users('{oid}')/events/$entity"}
    return encode(context | _selected(shown_event(found, *_zone(request, headers)), select))


def _selected(event: dict[str, Any], select: tuple[str, ...] | None) -> dict[str, Any]:
    names = event if select is None else dict.fromkeys(("@odata.etag", "id", *select))
    return {name: event[name] for name in names}


def _instant(request: Request, name: str) -> datetime:
    """A time of the query; without an offset it is one in UTC, whatever the preferred zone."""
    text = request.query_params.get(name, "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"This request requires a time window specified by the query string parameters {name}."
        raise errors.GraphError(400, "ErrorInvalidParameter", message, bare=True) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _zone(request: Request, headers: dict[str, str]) -> tuple[str, ZoneInfo]:
    """The zone of the Prefer header, and say in Preference-Applied that it held; UTC where nobody prefers any."""
    match = _ZONE.search(", ".join(request.headers.getlist("prefer")))
    if match is None:
        return "UTC", _UTC
    try:
        zone = ZoneInfo(_WINDOWS_NAMES.get(match[1], match[1]))
    except (ZoneInfoNotFoundError, ValueError):
        text = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{match[1]}'."
        raise errors.GraphError(400, "TimeZoneNotSupportedException", text) from None
    headers["Preference-Applied"] = f'outlook.timezone="{match[1]}"'
    return match[1], zone
