"""The app's environment: the process's own variables over "Values" of local.settings.json, as under `func start`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


class LocalSettingsInvalid(Exception):
    """local.settings.json is not the JSON that Core Tools reads; `str` says why, without any value."""


def merged(environment: Mapping[str, str], app_folder: Path) -> dict[str, str]:
    """`environment` plus what only local.settings.json names. Raises LocalSettingsInvalid."""
    return _values(app_folder / "local.settings.json") | dict(environment)


def _values(file: Path) -> dict[str, str]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LocalSettingsInvalid(f"{file.name} is not JSON: {error}") from error
    values = content.get("Values", {}) if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise LocalSettingsInvalid(f'{file.name} needs an object "Values"')
    faults = [name for name, value in values.items() if not isinstance(value, str)]
    if faults:
        raise LocalSettingsInvalid(f"{file.name}: not a string: {', '.join(faults)}")
    return values
