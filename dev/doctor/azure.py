"""Checks of a deployment from inside the subscription, through the Azure CLI of whoever is signed in there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dev.bicep.policy import NOT_DEPLOYED, REFUSED_SETTINGS, ROLES
from dev.doctor.verdicts import Verdict, ok, unknown, wrong
from shared.config import SETTINGS

SECONDS = 60
_DEPLOY = "deploy infra/ again"

type Az = Callable[[list[str]], Any]
"""Runs `az ARGUMENTS --output json` and gives what it printed, parsed. Raises Refused."""


class Refused(Exception):
    """az did not do it; `str` is its reason in one line."""


def az(arguments: list[str]) -> Any:
    """The real one."""
    command = ["az", *arguments, "--output", "json", "--only-show-errors"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise Refused("the Azure CLI is not on PATH") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"no answer within {SECONDS} s") from None
    if ended.returncode:
        raise Refused((ended.stderr.strip().splitlines() or ["it failed"])[0][:300])
    return json.loads(ended.stdout or "null")


def examine(group: str, name: str, run: Az) -> Iterator[Verdict]:
    """Every check of the site `name` in the resource group `group`."""
    try:
        site = run(["functionapp", "show", "--resource-group", group, "--name", name])
    except Refused as problem:
        yield unknown("site", str(problem), "az login, and compare the names of resource group and site")
        return
    yield from _site(site)
    checks: tuple[Callable[[], Iterator[Verdict]], ...] = (
        lambda: _settings(run(["functionapp", "config", "appsettings", "list", "-g", group, "-n", name])),
        lambda: _roles(_principals(site), run),
        lambda: _registration(group, name, site, run),
    )
    for check in checks:
        try:
            yield from check()
        except Refused as problem:
            yield unknown("az", str(problem), "ask for the right to read it, or let somebody run this who has it")


def _site(site: Mapping[str, Any]) -> Iterator[Verdict]:
    properties = site.get("properties") or site
    runtime = ((properties.get("functionAppConfig") or {}).get("runtime")) or {}
    if (runtime.get("name"), runtime.get("version")) == ("python", "3.13"):
        yield ok("runtime", "python 3.13")
    else:
        yield wrong("runtime", f"{runtime.get('name')} {runtime.get('version')}, not python 3.13", _DEPLOY)
    if properties.get("httpsOnly"):
        yield ok("https only", "on")
    else:
        yield wrong("https only", "off", _DEPLOY)


def _settings(listed: list[Mapping[str, Any]]) -> Iterator[Verdict]:
    """Names alone are looked at, never values."""
    names = {str(entry.get("name")) for entry in listed}
    for name in sorted(names & NOT_DEPLOYED):
        yield wrong("settings", f"{name} does not belong in a deployment", f"delete the setting {name}")
    for name in sorted(name for name in names if REFUSED_SETTINGS.fullmatch(name)):
        yield wrong("settings", f"Flex Consumption refuses or ignores {name}", f"delete the setting {name}")
    missing = sorted(set(SETTINGS) - NOT_DEPLOYED - names)
    if missing:
        yield wrong("settings", "missing: " + ", ".join(missing), _DEPLOY)
    else:
        yield ok("settings", "complete")


def _principals(site: Mapping[str, Any]) -> list[str]:
    identities = ((site.get("identity") or {}).get("userAssignedIdentities") or {}).values()
    return [str(identity.get("principalId")) for identity in identities]


def _roles(principals: list[str], run: Az) -> Iterator[Verdict]:
    if not principals:
        yield wrong("identity", "the site has no user-assigned identity", _DEPLOY)
        return
    granted = run(["role", "assignment", "list", "--assignee", principals[0], "--all"])
    ids = [str(entry.get("roleDefinitionId", "")).rpartition("/")[2] for entry in granted]
    missing = [role for role in ROLES if role not in ids]
    surplus = sorted(
        {str(entry.get("roleDefinitionName")) for entry, role in zip(granted, ids, strict=True) if role not in ROLES}
    )
    if missing:
        yield wrong("roles", f"{len(missing)} of {len(ROLES)} are missing: {', '.join(missing)}", _DEPLOY)
    elif surplus:
        yield wrong("roles", "more than needed: " + ", ".join(surplus), "remove these assignments")
    else:
        yield ok("roles", f"the {len(ROLES)} that infra/modules/roles.bicep gives, and no other")


def _registration(group: str, name: str, site: Mapping[str, Any], run: Az) -> Iterator[Verdict]:
    query = "[?name=='ENTRA_CLIENT_ID' || name=='PUBLIC_URL'].{name: name, value: value}"
    found = run(["functionapp", "config", "appsettings", "list", "-g", group, "-n", name, "--query", query])
    values = {entry["name"]: entry["value"] for entry in found}
    client_id, url = values.get("ENTRA_CLIENT_ID", ""), values.get("PUBLIC_URL", "")
    application = run(["ad", "app", "show", "--id", client_id])
    redirect_uris = (application.get("web") or {}).get("redirectUris") or []
    if f"{url}/auth/callback" in redirect_uris:
        yield ok("redirect URI", f"{url}/auth/callback is registered")
    else:
        yield wrong(
            "redirect URI", f"{url}/auth/callback is not registered", "add it at the app registration, platform Web"
        )
    subjects = {
        str(entry.get("subject")) for entry in run(["ad", "app", "federated-credential", "list", "--id", client_id])
    }
    if subjects & set(_principals(site)):
        yield ok("federated credential", "trusts the site's identity")
    else:
        fix = (
            "its subject must be the object id of the identity; python3 dev doctor --print-registration shows all of it"
        )
        yield wrong("federated credential", "none trusts the site's identity", fix)
