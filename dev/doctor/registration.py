"""What the app registration must be: for the team that owns it, and for comparing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from shared.managed_identity import federated_audience
from shared.settings import Fault
from shared.settings import authority as read_authority
from shared.settings import origin as read_origin

_ACCOUNTS = {
    "common": "any organisation, and personal accounts (AzureADandPersonalMicrosoftAccount)",
    "consumers": "personal accounts (PersonalMicrosoftAccount)",
    "organizations": "any organisation (AzureADMultipleOrgs)",
}


def wanted(url: str, authority: str, client_id: str, scopes: str, identity: str) -> str:
    """The text to send to whoever owns app registrations. Unknown parts are named in angle brackets."""
    host, _, tenant = authority.rpartition("/")
    return f"""App registration for {url}

  Platform                   Web
  Redirect URI               {url}/auth/callback
  Front-channel logout URL   {url}/auth/front-channel-logout
  Implicit grant             off, both boxes
  Supported accounts         {_ACCOUNTS.get(tenant, "this organisation alone (AzureADMyOrg)")}
  Optional claims, ID token  sid, login_hint
  API permissions            Microsoft Graph, delegated: {scopes} offline_access
  Client secret              none
  Federated credential       scenario `Managed identity`
      issuer                 {host}/<tenant id>/v2.0
      subject                {identity}
      audience               {federated_audience(authority)}

Consent for a whole organisation, by one of its administrators, who lands on a page of the app that knows of no sign-in:

  {admin_consent_link(url, authority, client_id, scopes)}
"""


def admin_consent_link(url: str, authority: str, client_id: str, scopes: str) -> str:
    """Where an administrator consents. https://learn.microsoft.com/entra/identity-platform/v2-admin-consent

    `common` is not taken there, and personal accounts have no administrator.
    """
    host, _, tenant = authority.rpartition("/")
    tenant = "organizations" if tenant in ("common", "consumers") else tenant
    query = {"client_id": client_id, "redirect_uri": f"{url}/auth/callback", "scope": scopes}
    return f"{host}/{tenant}/v2.0/adminconsent?" + urlencode(query, safe=":/<>")


def understood(text: str, read: Callable[[str], str]) -> str:
    """A setting as the app reads it, a slash too many and all; what the app refuses, as it stands."""
    try:
        return read(text.strip())
    except Fault:
        return text


def from_settings(settings: Mapping[str, str], url: str | None) -> str:
    """The same, from an app's settings."""
    return wanted(
        understood(url or settings.get("PUBLIC_URL") or "https://<host name>", read_origin),
        understood(settings.get("ENTRA_AUTHORITY", ""), read_authority),
        settings.get("ENTRA_CLIENT_ID") or "<client id>",
        " ".join(
            [settings.get("GRAPH_SCOPES") or "User.Read Mail.Read", settings.get("GRAPH_OPTIONAL_SCOPES", "")]
        ).strip(),
        "<identityPrincipalId, an output of the deployment>",
    )
