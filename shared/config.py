"""The settings, read once. The only place that knows os.environ."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shared import errors, settings
from shared.secret import Secret
from shared.settings import TableAddress

SETTINGS = (
    "ENTRA_CLIENT_ID",
    "ENTRA_CLIENT_SECRET",
    "ENTRA_AUTHORITY",
    "ENTRA_ALLOWED_TENANTS",
    "GRAPH_ENDPOINT",
    "GRAPH_SCOPES",
    "GRAPH_OPTIONAL_SCOPES",
    "PUBLIC_URL",
    "SESSION_STORE",
    "SESSION_STORE__tableServiceUri",
    "SESSION_STORE__clientId",
    "SEALING_KEY",
    "SEALING_KEY_ID",
    "SESSION_MAX_AGE",
    "SESSION_IDLE_TIMEOUT",
    "SESSION_COOKIE_NAME",
    "LOCAL_CA_FILE",
)
"""Every setting that the app reads, as the README and the example name them."""

_AZURE_MARKS = ("WEBSITE_SKU", "WEBSITE_POD_NAME", "LEGION_SERVICE_HOST", "WEBSITE_INSTANCE_ID")

T = TypeVar("T")


@dataclass(frozen=True)
class Config:
    """The settings after every check. Ages in seconds; addresses without a trailing slash.

    Without `sealing_key`, `sealing_key_id` is the key of Key Vault's that takes its place.
    """

    client_id: str
    client_secret: Secret | None
    identity_client_id: str | None
    authority: str
    allowed_tenants: frozenset[str] | None
    graph_endpoint: str
    scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...]
    public_url: str
    store: TableAddress
    sealing_key: Secret | None
    sealing_key_id: str
    session_max_age: int
    session_idle_timeout: int
    session_cookie_name: str
    ca_file: str | None
    threads: int

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def redirect_uri(self) -> str:
        return self.public_url + "/auth/callback"

    def tenant_allowed(self, tenant_id: str) -> bool:
        """Whether accounts of this tenant may use the app; asked on every request, not only at sign-in."""
        return self.allowed_tenants is None or tenant_id in self.allowed_tenants

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Read and check every setting.

        Raises errors.NotConfigured, which lists every fault at once, each with the setting's name and what is expected,
        never with a value.
        """
        return _Reader(environment).config()

    @classmethod
    def of_this_process(cls) -> Config:
        """The same, from this process's environment."""
        return cls.from_environment(os.environ)

    @staticmethod
    def this_process_is_in_azure() -> bool:
        """Whether Azure runs this process."""
        return _in_azure(os.environ)


def _in_azure(environment: Mapping[str, str]) -> bool:
    """Flex Consumption sets no single one of the marks. CONTAINER_NAME is common outside Azure too, so there it takes a
    public host name beside it; Core Tools sets a loopback one."""
    if any(environment.get(mark) for mark in _AZURE_MARKS):
        return True
    host = environment.get("WEBSITE_HOSTNAME", "").partition(":")[0]
    return bool(environment.get("CONTAINER_NAME") and host and not settings.is_loopback(host))


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[str] = []
        self._in_azure = _in_azure(environment)
        # Azure sets the endpoint for an app that has an identity; outside Azure it means that one is imitated.
        self._has_identity = self._in_azure or bool(self._text("IDENTITY_ENDPOINT"))

    def _text(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def _check(self, name: str, check: Callable[[str], T], fallback: T) -> T:
        try:
            return check(self._text(name))
        except settings.Fault as fault:
            self._faults.append(f"{name} {fault}")
            return fallback

    def config(self) -> Config:
        authority = self._check("ENTRA_AUTHORITY", settings.authority, "")
        public_url = self._check("PUBLIC_URL", self._public_url, "")
        store = self._store()
        max_age = self._check("SESSION_MAX_AGE", lambda text: settings.seconds(text, 604800, 300, 7776000), 604800)
        config = Config(
            client_id=self._check("ENTRA_CLIENT_ID", settings.client_id, ""),
            client_secret=self._client_secret(),
            identity_client_id=self._text("AZURE_CLIENT_ID") or None,
            authority=authority,
            allowed_tenants=self._check("ENTRA_ALLOWED_TENANTS", lambda text: settings.tenants(text, authority), None),
            graph_endpoint=self._check("GRAPH_ENDPOINT", settings.graph_endpoint, ""),
            scopes=self._check("GRAPH_SCOPES", lambda text: settings.scopes(text or "User.Read Mail.Read"), ()),
            optional_scopes=self._check("GRAPH_OPTIONAL_SCOPES", settings.scopes, ()),
            public_url=public_url,
            store=store,
            sealing_key=self._check("SEALING_KEY", self._sealing_key, None),
            sealing_key_id=self._check("SEALING_KEY_ID", self._sealing_key_id, ""),
            session_max_age=max_age,
            session_idle_timeout=self._check(
                "SESSION_IDLE_TIMEOUT", lambda text: settings.seconds(text, min(86400, max_age), 60, max_age), 86400
            ),
            session_cookie_name=self._check(
                "SESSION_COOKIE_NAME", lambda text: settings.cookie_name(text, public_url), ""
            ),
            ca_file=self._check("LOCAL_CA_FILE", self._ca_file, None),
            threads=settings.threads(self._text("PYTHON_THREADPOOL_THREAD_COUNT")),
        )
        if self._faults:
            raise errors.NotConfigured(self._faults)
        return config

    def _client_secret(self) -> Secret | None:
        text = self._text("ENTRA_CLIENT_SECRET")
        if not text and not self._has_identity:
            self._faults.append("ENTRA_CLIENT_SECRET is required where there is no managed identity")
        return Secret(text) if text else None

    def _public_url(self, text: str) -> str:
        host = self._text("WEBSITE_HOSTNAME")
        if not text and not host:
            raise settings.Fault("is required: the https origin that people see")
        return settings.origin(text or "https://" + host)

    def _store(self) -> TableAddress:
        address = TableAddress("", "", None)
        uri = self._text("SESSION_STORE__tableServiceUri")
        if uri and not self._text("SESSION_STORE"):
            identity = self._text("SESSION_STORE__clientId") or self._text("AZURE_CLIENT_ID") or None
            return self._check(
                "SESSION_STORE__tableServiceUri", lambda text: settings.table_uri(text, identity), address
            )
        if uri:
            self._faults.append("SESSION_STORE__tableServiceUri must be absent where SESSION_STORE is set")
        return self._check("SESSION_STORE", lambda text: settings.connection_string(text, self._in_azure), address)

    def _sealing_key(self, text: str) -> Secret | None:
        if self._in_azure and text:
            raise settings.Fault(
                "is for local runs only; in Azure the wrapping key lives in Key Vault (SEALING_KEY_ID)"
            )
        if self._in_azure or (self._text("SEALING_KEY_ID") and not text):
            return None
        try:
            size = len(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if size != 32:
            raise settings.Fault("must be 32 random bytes in base64")
        return Secret(text)

    def _sealing_key_id(self, text: str) -> str:
        if not text and not self._in_azure:
            return ""
        key_id = settings.key_id(text, self._in_azure)
        if self._text("SEALING_KEY") and not self._in_azure:
            raise settings.Fault("must be absent where SEALING_KEY is set")
        if not self._has_identity:
            raise settings.Fault("needs a managed identity, and there is none here: set SEALING_KEY")
        return key_id

    def _ca_file(self, text: str) -> str | None:
        if not text:
            return None
        if self._in_azure:
            raise settings.Fault("is for local runs only")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
        except (OSError, ValueError):
            raise settings.Fault("must be the path of a PEM file") from None
        return text
