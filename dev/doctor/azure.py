"""Checks of a deployment from inside the subscription, through the Azure CLI of whoever is signed in there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dev.bicep.policy import NOT_DEPLOYED, REFUSED_SETTINGS
from dev.doctor.registration import admin_consent_link, understood
from dev.doctor.verdicts import Verdict, ok, unknown, warning, wrong
from shared.config import SETTINGS
from shared.managed_identity import federated_audience
from shared.settings import authority as read_authority
from shared.settings import origin as read_origin
from shared.token_store import TABLES

SECONDS = 60
# What each role is given on in infra/modules/roles.bicep, as the end of its scope.
_ON: Mapping[str, tuple[str, ...]] = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": ("/storageAccounts/[^/]+",),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": tuple(f"/tableServices/default/tables/{table}" for table in TABLES),
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": ("/vaults/[^/]+/keys/[^/]+",),
    "3913510d-42f4-4e42-8a64-420c390055eb": ("/components/[^/]+",),
}
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
    missing = [(role, place) for role, places in _ON.items() for place in places]
    surplus = []
    for entry in run(["role", "assignment", "list", "--assignee", principals[0], "--all"]):
        role = str(entry.get("roleDefinitionId", "")).rpartition("/")[2]
        scope = str(entry.get("scope", ""))
        fitting = next((place for place in _ON.get(role, ()) if re.search(place + "$", scope, re.IGNORECASE)), None)
        if fitting is None:
            surplus.append(f"{entry.get('roleDefinitionName')} on {scope}")
        elif (role, fitting) in missing:
            missing.remove((role, fitting))
    if missing:
        yield wrong("roles", "missing: " + ", ".join(f"{role} on {place}" for role, place in missing), _DEPLOY)
    if surplus:
        yield wrong("roles", "more than needed: " + ", ".join(sorted(surplus)), "remove these assignments")
    if not missing and not surplus:
        yield ok("roles", "those that infra/modules/roles.bicep gives, where it gives them, and no other")


def _registration(group: str, name: str, site: Mapping[str, Any], run: Az) -> Iterator[Verdict]:
    query = "[?name=='ENTRA_CLIENT_ID' || name=='PUBLIC_URL' || name=='ENTRA_AUTHORITY' || name=='GRAPH_SCOPES']"
    found = run(["functionapp", "config", "appsettings", "list", "-g", group, "-n", name, "--query", query])
    values = {entry["name"]: str(entry["value"]) for entry in found}
    client_id = values.get("ENTRA_CLIENT_ID", "")
    url = understood(values.get("PUBLIC_URL", ""), read_origin)
    authority = understood(values.get("ENTRA_AUTHORITY", ""), read_authority)
    web = run(["ad", "app", "show", "--id", client_id]).get("web") or {}
    if f"{url}/auth/callback" in (web.get("redirectUris") or []):
        yield ok("redirect URI", f"{url}/auth/callback is registered")
    else:
        yield wrong(
            "redirect URI", f"{url}/auth/callback is not registered", "add it at the app registration, platform Web"
        )
    logout = f"{url}/auth/front-channel-logout"
    if web.get("logoutUrl") == logout:
        yield ok("logout URL", f"{logout} is registered")
    else:
        yield warning("logout URL", f"{logout} is not registered", "enter it as front-channel logout URL")
    credentials = run(["ad", "app", "federated-credential", "list", "--id", client_id])
    yield _federated(credentials, _principals(site), authority)
    link = admin_consent_link(url, authority, client_id, values.get("GRAPH_SCOPES", ""))
    yield ok("admin consent", f"where people may not consent for themselves, an administrator opens {link}")


def _federated(credentials: list[Mapping[str, Any]], principals: list[str], authority: str) -> Verdict:
    """Whether one of the credentials is right in all three parts, which Entra compares to the letter."""
    fix = "issuer, subject and audience must be those that python3 dev doctor --print-registration shows"
    host, audience = authority.rpartition("/")[0], federated_audience(authority)
    ours = [entry for entry in credentials if entry.get("subject") in principals]
    if not ours:
        return wrong("federated credential", "none has the object id of the site's identity as its subject", fix)
    if not any(re.fullmatch(re.escape(host) + r"/[0-9a-f-]{36}/v2\.0", str(entry.get("issuer"))) for entry in ours):
        return wrong("federated credential", f"its issuer is not {host}/<tenant id>/v2.0", fix)
    if not any(audience in (entry.get("audiences") or []) for entry in ours):
        return wrong("federated credential", f"its audience is not {audience}", fix)
    return ok("federated credential", "trusts the site's identity")
