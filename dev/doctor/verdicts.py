"""Verdicts: what was looked at, what was found, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

type Level = Literal["ok", "warning", "wrong", "unknown"]

_MARKS: dict[Level, str] = {"ok": "ok     ", "warning": "warning", "wrong": "WRONG  ", "unknown": "unknown"}


@dataclass(frozen=True)
class Verdict:
    """One check. `fix` says what to do, wherever the level is not ok."""

    check: str
    level: Level
    reason: str
    fix: str = ""


def ok(check: str, reason: str) -> Verdict:
    return Verdict(check, "ok", reason)


def wrong(check: str, reason: str, fix: str) -> Verdict:
    return Verdict(check, "wrong", reason, fix)


def warning(check: str, reason: str, fix: str) -> Verdict:
    return Verdict(check, "warning", reason, fix)


def unknown(check: str, reason: str, fix: str) -> Verdict:
    """It could not be found out."""
    return Verdict(check, "unknown", reason, fix)


def as_text(verdicts: Iterable[Verdict]) -> str:
    """A line for each, and a Fix line below those that need one."""
    lines = []
    for verdict in verdicts:
        lines.append(f"{_MARKS[verdict.level]} {verdict.check}: {verdict.reason}")
        if verdict.fix:
            lines.append(f"        Fix: {verdict.fix}")
    return "\n".join(lines)


def as_json(verdicts: Iterable[Verdict]) -> str:
    return json.dumps([asdict(verdict) for verdict in verdicts], indent=2)


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """1 where something is wrong, 3 where something could not be found out, else 0."""
    levels = {verdict.level for verdict in verdicts}
    return 1 if "wrong" in levels else 3 if "unknown" in levels else 0
