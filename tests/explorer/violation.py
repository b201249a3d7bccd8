"""What a run is reported for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be: the rule, and what was found."""

    rule: str
    found: str
