"""What the app is built from: here, one line that tells with what."""

from __future__ import annotations

from typing import Any

from .config import Config


def build(config: Config, clock: Any, ca_file: str | None) -> str:
    return f"{config.greeting} {clock.now():.0f} {ca_file}"
