"""What is in the calendars: series and single days in their own time zones; occurrences are made when asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_NEVER = "0001-01-01T00:00:00Z"
_ID = re.compile(r"AAMkADcalendar([0-9]{2})d([0-9]{8})A{60}/\+AAA=")


@dataclass(frozen=True)
class Entry:
    """Something in a calendar on each day for which `on` says so. `start` is local time in `zone`; None is all day."""

    mailbox: str
    subject: str | None
    on: Callable[[date], bool]
    start: time | None = None
    minutes: int = 60
    zone: str = "Europe/Oslo"
    place: str = ""
    organizer: tuple[str, str] = ("Maren Solberg", "maren.solberg@fjordlight.example")
    shown_as: str = "busy"
    cancelled: bool = False


@dataclass(frozen=True)
class Event:
    """One occurrence, from and to in UTC; of an all-day one, midnights of no zone that are written as if in UTC."""

    entry: Entry
    id: str
    begins: datetime
    ends: datetime


def _weekly(*weekdays: int) -> Callable[[date], bool]:
    return lambda day: day.weekday() in weekdays


_OYVIND = ("Øyvind Haugland", "oyvind.haugland@fjordlight.example")
_TOM = ("Tom Ackerby", "tom.ackerby@fjordlight.example")
ENTRIES = (
    Entry("work", "Calibration stand-up", _weekly(0, 1, 2, 3, 4), time(9, 0), 15, place="Room Hardanger"),
    Entry("work", "Øyvind / Maren", _weekly(2), time(14, 30), 30, organizer=_OYVIND, shown_as="tentative"),
    Entry("work", "Lyon line review", _weekly(3), time(10, 0), 90, "Europe/Paris", "Microsoft Teams Meeting"),
    Entry("work", "Sales call, Americas", _weekly(1), time(11, 0), 45, "America/New_York", organizer=_TOM),
    Entry("work", "Lab closed: air filters", lambda day: day.weekday() == 4 and day.day <= 7, place="Lab 2"),
    Entry("work", "Budget round", lambda day: day.day == 15, time(13, 0), 120, cancelled=True),
    Entry("work", None, lambda day: day.weekday() == 0 and 8 <= day.day <= 14, time(16, 0), 30, shown_as="free"),
    Entry("personal", "Allotment: watering 🌱", _weekly(5), time(8, 30), 60, "Europe/Vienna"),
    Entry("personal", "Cumpleaños de mamá", lambda day: (day.month, day.day) == (9, 14), zone="Europe/Vienna"),
    Entry("personal", "Choir", _weekly(3), time(19, 30), 120, "Europe/Vienna", "St. Ruprecht"),
)


def events_between(mailbox: str, first: datetime, last: datetime) -> list[Event]:
    """Everything that touches the time from `first` to `last`, earliest first."""
    found = []
    day = (first - timedelta(days=2)).date()
    while day <= (last + timedelta(days=1)).date():
        found += [event for event in _on(mailbox, day) if event.begins < last and event.ends > first]
        day += timedelta(days=1)
    return sorted(found, key=lambda event: (event.begins, event.id))


def find_event(mailbox: str, event_id: str) -> Event | None:
    """One occurrence by its id."""
    match = _ID.fullmatch(event_id)
    try:
        day = datetime.strptime(match[2], "%Y%m%d").replace(tzinfo=UTC).date() if match else None
    except ValueError:
        return None
    return next((event for event in _on(mailbox, day) if event.id == event_id), None) if day else None


def _on(mailbox: str, day: date) -> Iterator[Event]:
    for number, entry in enumerate(ENTRIES):
        if entry.mailbox == mailbox and entry.on(day):
            event_id = f"AAMkADcalendar{number:02d}d{day:%Y%m%d}{'A' * 60}/+AAA="
            if entry.start is None:
                begins = datetime.combine(day, time(), UTC)
                yield Event(entry, event_id, begins, begins + timedelta(days=1))
            else:
                begins = datetime.combine(day, entry.start, ZoneInfo(entry.zone)).astimezone(UTC)
                yield Event(entry, event_id, begins, begins + timedelta(minutes=entry.minutes))


def shown_event(event: Event, zone_name: str, zone: ZoneInfo) -> dict[str, Any]:
    """An event as Graph shows it, its times in a zone and without any offset."""
    entry = event.entry
    all_day = entry.start is None
    name, address = entry.organizer

    def written(instant: datetime) -> dict[str, str]:
        local = instant if all_day else instant.astimezone(zone)
        return {"dateTime": f"{local:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone_name}

    return {
        "@odata.etag": f'W/"{event.id[14:25]}"',
        "id": event.id,
        "subject": entry.subject,
        "bodyPreview": "",
        "body": {"contentType": "html", "content": ""},
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": all_day,
        "isCancelled": entry.cancelled,
        "isOrganizer": name == "Maren Solberg",
        "showAs": entry.shown_as,
        "type": "occurrence",
        "seriesMasterId": f"{event.id[:17]}master",
        "start": written(event.begins),
        "end": written(event.ends),
        "originalStartTimeZone": entry.zone,
        "originalEndTimeZone": entry.zone,
        "location": {"displayName": entry.place, "locationType": "default"},
        "attendees": [],
        "organizer": {"emailAddress": {"name": name, "address": address}},
        "responseStatus": {"response": "organizer", "time": _NEVER},
        "categories": [],
        "hasAttachments": False,
        "isReminderOn": not all_day,
        "reminderMinutesBeforeStart": 15,
    }
