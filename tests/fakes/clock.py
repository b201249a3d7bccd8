"""A clock that stands still until a test moves it."""

from __future__ import annotations

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


class FakeClock:
    """Both clocks of the app. `advance` moves both, `jump` the wall clock alone, as an operator or NTP would."""

    def __init__(self, now: float = START) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Put the wall clock forward, or back where negative; no time passes."""
        self._now += seconds
