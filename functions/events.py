"""GET api/events: what is in the signed-in person's calendar between two instants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func

from shared import errors, http, mail_access
from shared.permissions import needing
from shared.services import Services

FIELDS = (
    *("id", "subject", "bodyPreview", "start", "end", "isAllDay", "isCancelled", "location", "organizer", "showAs"),
    *("sensitivity", "type", "responseStatus"),
)
_LONGEST = timedelta(days=366)
# Graph writes times without any offset, in the zone that this asks for.
_IN_UTC = 'outlook.timezone="UTC"'
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_GRAPH_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?")


def list_events(request: func.HttpRequest, services: Services) -> http.Response:
    """Events that touch the time from `from` to `to`, earliest first; of recurring ones, each time that falls into it.

    Both are instants with their offset. `start` and `end` of what comes are instants in UTC; those of an all-day event
    are days, of no zone, at 00:00 without a Z.
    Raises errors.InvalidRequest, InvalidCursor, ConsentRequired for Calendars.Read, and what a session and Graph raise.
    """
    http.refuse_cross_site(request)
    given = mail_access.list_parameters(request, ("from", "to"))
    span = None if "cursor" in given else _span(given)
    session, deadline = mail_access.opened(request, services)
    if span is None:
        url = mail_access.link_of("events", given["cursor"], session, services, deadline)
    else:
        url = f"{services.graph.endpoint}/me/calendarView?{span}"
    with needing(services.config, session.tokens.scopes, ("Calendars.Read", "Calendars.ReadWrite")):
        events, link = mail_access.asked(
            services, session, deadline, lambda access: services.graph.page(url, access, deadline, prefer=_IN_UTC)
        )
    return http.json_answer(
        {
            "events": [_public(event) for event in events if isinstance(event, dict)],
            "next": mail_access.cursor_of("events", link, session, services, deadline),
        }
    )


def _span(given: Mapping[str, str]) -> str:
    """The query for Graph, in UTC: it takes a time without an offset for one, whatever zone is preferred."""
    first, last = _instant(given, "from"), _instant(given, "to")
    if not timedelta(0) < last - first <= _LONGEST:
        raise errors.InvalidRequest("`to` must be later than `from`, by at most 366 days.")
    begins, ends = (time.isoformat(timespec="seconds").replace("+00:00", "Z") for time in (first, last))
    shown = f"$top={mail_access.top_of(given)}&$select={','.join(FIELDS)}&$orderby=start/dateTime"
    return f"startDateTime={begins}&endDateTime={ends}&{shown}"


def _instant(given: Mapping[str, str], name: str) -> datetime:
    # An offset's plus sign is a space once a query is decoded, where nobody has encoded it.
    text = re.sub(r" (?=[0-9]{2}:[0-9]{2}$)", "+", given.get(name, ""))
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        example = "2026-03-29T00:00:00+01:00"
        raise errors.InvalidRequest(f"`{name}` must be a time with its offset, such as {example}.") from None


def _public(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as it leaves here: Graph's names, our id, and times that cannot be taken for another zone's."""
    found = mail_access.public(event, FIELDS)
    if event.get("isAllDay") is not True:
        for name in ("start", "end"):
            if name in found:
                found[name] = _with_zone(found[name])
    return found


def _with_zone(time: Any) -> Any:
    """Graph's time with the Z that it leaves out, where it is one in UTC: without, browsers read it as local."""
    if not isinstance(time, dict):
        return None
    text = time.get("dateTime")
    if time.get("timeZone") == "UTC" and isinstance(text, str) and _GRAPH_TIME.fullmatch(text):
        return {**time, "dateTime": text + "Z"}
    return time
