"""host.json, as far as it shapes HTTP answers (Azure/azure-functions-host HostJsonFileConfigurationSource.cs)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class HostJsonInvalid(Exception):
    """host.json cannot be used; the host then answers 503 to everything (WebJobsScriptHostService.cs)."""


@dataclass(frozen=True, slots=True)
class HostJson:
    """`route_prefix` as configured ("api" by default, HttpExtensionConstants.cs); `custom_headers` in their order in
    the file.
    """

    route_prefix: str = "api"
    custom_headers: Mapping[str, str] = field(default_factory=dict)


def read(app_folder: Path) -> HostJson:
    """Read host.json of `app_folder`. Raises HostJsonInvalid for broken JSON or a version other than "2.0"."""
    try:
        content = json.loads((app_folder / "host.json").read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise HostJsonInvalid(f"host.json is not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("version") != "2.0":
        raise HostJsonInvalid('host.json must have "version": "2.0"')
    http = _member(_member(content, "extensions"), "http")
    prefix = http.get("routePrefix", "api")
    headers = {name: str(value) for name, value in _member(http, "customHeaders").items()}
    return HostJson(route_prefix=str(prefix or ""), custom_headers=headers)


def _member(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}
