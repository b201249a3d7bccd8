"""How each setting is read: text in, a checked value out. Each raises Fault, which says what the setting must be."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from shared.secret import Secret

DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's account key, the same on every machine and printed in Microsoft's documentation."""

_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_RESERVED_SCOPES = {"openid", "profile", "offline_access"}
_CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


class Fault(Exception):
    """What one setting must be."""


@dataclass(frozen=True)
class TableAddress:
    """Where the tables are, and whether an account key or the managed identity opens them."""

    endpoint: str
    account: str
    account_key: Secret | None
    identity_client_id: str | None = None


def _url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise Fault("must be a URL") from None
    plain = parts.hostname and not parts.username and not parts.password and not parts.query and not parts.fragment
    if not plain or re.search(r"[\s\\@?#]", text):
        raise Fault("must be a URL of scheme, host and, where needed, port: no user name, query or fragment")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise Fault("must name a host in ASCII: xn--bcher-kva.example, as browsers send it, where it has other letters")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    standard = {"https": 443, "http": 80}.get(parts.scheme)
    return host if parts.port in (None, standard) else f"{host}:{parts.port}"


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address is this machine's own (127.0.0.0/8, ::1, localhost)."""
    return bool(host and _LOOPBACK.fullmatch(host))


def _https_or_loopback(parts: SplitResult) -> None:
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise Fault("must begin with https:// (http:// is for loopback addresses only)")


def origin(text: str) -> str:
    parts = _url(text)
    _https_or_loopback(parts)
    if parts.path not in ("", "/"):
        raise Fault("must be an origin without a path: https://mail.example.org")
    return f"{parts.scheme}://{_host(parts)}"


def authority(text: str) -> str:
    parts = _url(text or "https://login.microsoftonline.com/common")
    if parts.scheme != "https":
        raise Fault("must begin with https://")
    tenant = parts.path.strip("/").lower()
    if (
        tenant not in ("common", "organizations", "consumers")
        and not _GUID.fullmatch(tenant)
        and not _DOMAIN.fullmatch(tenant)
    ):
        raise Fault("must end in a tenant id, a domain, common, organizations or consumers")
    return f"https://{_host(parts)}/{tenant}"


def tenants(text: str, authority: str) -> frozenset[str] | None:
    tenant = authority.rpartition("/")[2]
    named = {item.strip().lower() for item in text.split(",") if item.strip()}
    if not named:
        if tenant in ("common", "organizations"):
            raise Fault("is required where ENTRA_AUTHORITY takes several tenants: tenant ids with commas, or * for all")
        fixed = {"consumers": _CONSUMERS}.get(tenant, tenant)
        return frozenset({fixed}) if _GUID.fullmatch(fixed) else None
    if named == {"*"}:
        return None
    if not all(_GUID.fullmatch(item) for item in named):
        raise Fault("must be tenant ids with commas between them, or * alone")
    return frozenset(named)


def client_id(text: str) -> str:
    if not _GUID.fullmatch(text.lower()):
        raise Fault("must be the application (client) id of the app registration, a GUID")
    return text.lower()


def graph_endpoint(text: str) -> str:
    parts = _url(text or "https://graph.microsoft.com/v1.0")
    _https_or_loopback(parts)
    if not re.fullmatch(r"/[A-Za-z0-9.]+/?", parts.path):
        raise Fault("must end in the API's version: https://graph.microsoft.com/v1.0")
    return f"{parts.scheme}://{_host(parts)}{parts.path.rstrip('/')}"


def key_id(text: str, in_azure: bool) -> str:
    """The id of a key in Key Vault, with its version or without."""
    parts = _url(text)
    if parts.scheme != "https" or not re.fullmatch(r"/keys/[A-Za-z0-9-]{1,127}(/[0-9a-f]{32})?", parts.path):
        raise Fault("must be the https id of a Key Vault key: https://VAULT.vault.azure.net/keys/NAME")
    if in_azure and is_loopback(parts.hostname):
        raise Fault("must not name a loopback address in Azure")
    return f"https://{_host(parts)}{parts.path}"


def scopes(text: str) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(text.split()))
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise Fault("must be permissions with spaces between them")
    if _RESERVED_SCOPES & {scope.lower() for scope in scopes}:
        raise Fault("must not name openid, profile or offline_access: these are always asked for")
    return scopes


def seconds(text: str, default: int, least: int, most: int) -> int:
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise Fault(f"must be whole seconds from {least} to {most}")
    return int(text)


def cookie_name(text: str, public_url: str) -> str:
    https = public_url.startswith("https:")
    name = text or ("__Host-Http-session" if https else "drawbridge-session")
    if not _TOKEN.fullmatch(name):
        raise Fault("must be a cookie name of at most 64 characters")
    if https and not name.lower().startswith("__host-"):
        raise Fault("must begin with __Host- where PUBLIC_URL is https")
    if not https and name.lower().startswith("__"):
        raise Fault("must not begin with __ where PUBLIC_URL is http: browsers refuse such cookies there")
    return name


def threads(text: str) -> int:
    """The size of the worker's thread pool, as azure-functions-runtime reads it; unset, min(32, cores + 4)."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,3}", text) else min(32, (os.cpu_count() or 1) + 4)


def connection_string(text: str, in_azure: bool) -> TableAddress:
    """A storage connection string with an account key. Raises what the setting must be; SAS is refused by name."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if fields.get("usedevelopmentstorage", "").lower() == "true":
        if in_azure:
            raise Fault("must not be development storage in Azure")
        endpoint = "http://127.0.0.1:10002/devstoreaccount1"
        return TableAddress(endpoint, "devstoreaccount1", Secret(DEVELOPMENT_KEY))
    if "sharedaccesssignature" in fields:
        raise Fault(
            "must not be a SharedAccessSignature (SAS): use an account key locally, the managed identity in Azure"
        )
    account, key = fields.get("accountname", ""), fields.get("accountkey", "")
    if in_azure and account.lower() == "devstoreaccount1":
        raise Fault("must not be development storage in Azure")
    if not account or not key:
        raise Fault(
            "must be a storage connection string with AccountName and AccountKey, or UseDevelopmentStorage=true"
        )
    try:
        base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise Fault("has an AccountKey that is not base64") from None
    suffix = fields.get("endpointsuffix", "core.windows.net")
    scheme = fields.get("defaultendpointsprotocol", "https")
    endpoint = fields.get("tableendpoint") or f"{scheme}://{account}.table.{suffix}"
    _https_or_loopback(_url(endpoint))
    return TableAddress(endpoint.rstrip("/"), account, Secret(key))


def table_uri(text: str, identity_client_id: str | None) -> TableAddress:
    parts = _url(text)
    _https_or_loopback(parts)
    account = (parts.hostname or "").partition(".")[0]
    return TableAddress(text.rstrip("/"), account, None, identity_client_id)
