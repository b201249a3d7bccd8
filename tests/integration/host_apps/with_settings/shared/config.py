"""The app's settings: two, both required."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import NotConfigured


class Config:
    def __init__(self, greeting: str) -> None:
        self.greeting = greeting

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        faults = tuple(f"{name} is required" for name in ("GREETING", "FAREWELL") if not environment.get(name))
        if faults:
            raise NotConfigured(faults)
        return cls(environment["GREETING"])
