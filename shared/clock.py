"""The only place that reads the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """What the app needs to know of time; handed in, so that it can be another clock."""

    def now(self) -> float:
        """Seconds since 1970 (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, from an unknown start."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Deadline:
    """A moment by which something must have ended, handed down to whatever is called for it."""

    __slots__ = ("_clock", "_ends")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._ends = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; zero or less when it has passed."""
        return self._ends - self._clock.monotonic()

    def within(self, seconds: float) -> Deadline:
        """The earlier of this deadline and `seconds` from now."""
        return Deadline(self._clock, min(seconds, self.remaining()))


def iso(seconds: float) -> str:
    """RFC 3339 in UTC with whole seconds: 2026-01-31T09:30:00Z."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(seconds: float) -> str:
    """The UTC day as eight digits: 20260131."""
    return _day(int(seconds // 86400))


def http_date(seconds: float) -> str:
    """RFC 9110 section 5.6.7: Sat, 31 Jan 2026 09:30:00 GMT, whatever the locale."""
    return _http_date(int(seconds))


# Both are asked for several times a request, and formatting a date costs as much as decrypting a session.
@lru_cache(maxsize=64)
def _day(days: int) -> str:
    moment = datetime.fromtimestamp(days * 86400, UTC)
    return f"{moment.year:04}{moment.month:02}{moment.day:02}"


@lru_cache(maxsize=64)
def _http_date(seconds: int) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return moment.strftime(f"{names[moment.weekday()]}, %d {months[moment.month - 1]} %Y %H:%M:%S GMT")
