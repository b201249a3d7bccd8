"""The AADSTS codes that whoever runs the app can cause, and what to do about each.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REDIRECT = "register exactly this redirect URI, as platform `Web`, at the app registration"
_FEDERATED = (
    "compare the federated credential with the managed identity: issuer <login host>/<tenant>/v2.0, "
    "subject its object id (not its client id), audience api://AzureADTokenExchange"
)
_SECRET = (
    "make a new client secret and put its value (not its id) into ENTRA_CLIENT_SECRET, or do without by a federated one"
)
_TENANT = "compare ENTRA_AUTHORITY with the tenants that the registration is for (signInAudience)"
_PERMISSIONS = (
    "add the delegated permissions of GRAPH_SCOPES to the app registration, then let an administrator consent"
)
_ACCOUNT = "the account's tenant is not let in: invite the guest, or widen signInAudience and ENTRA_AUTHORITY"
_ADMIN = "let an administrator open the admin-consent link of `python3 dev doctor --print-registration`"

FIXES: Mapping[int, str] = {
    50011: _REDIRECT,
    50020: _ACCOUNT,
    50049: "no cloud has this login host: compare ENTRA_AUTHORITY",
    50105: "assign the person to the enterprise application, or switch `Assignment required` off",
    50194: "the registration is for one tenant: name it in ENTRA_AUTHORITY instead of common or organizations",
    51004: _ACCOUNT,
    65001: _ADMIN,
    65005: _PERMISSIONS,
    70011: "GRAPH_SCOPES is malformed, or mixes .default with single permissions",
    70021: _FEDERATED,
    90002: _TENANT,
    90009: "GRAPH_SCOPES must name permissions of Microsoft Graph, not of the app itself",
    90013: "compare ENTRA_CLIENT_ID, ENTRA_AUTHORITY and PUBLIC_URL with the app registration",
    90072: _ACCOUNT,
    90094: _ADMIN,
    90095: _ADMIN,
    500011: "GRAPH_SCOPES names a resource that this tenant does not know; for Graph, plain permission names do",
    500208: _ACCOUNT,
    500212: _ACCOUNT,
    650052: _PERMISSIONS,
    650056: _PERMISSIONS,
    650057: _PERMISSIONS,
    700005: "the code came back to another app or tenant: compare ENTRA_AUTHORITY and ENTRA_CLIENT_ID",
    700016: "no such app in this tenant: compare ENTRA_CLIENT_ID, and let an administrator consent once",
    700024: "the clock of the machine is wrong, or an old assertion was kept: restart the app",
    700025: "the registration is a public client: register the redirect URI as platform `Web`",
    700027: "the assertion's signature is unknown: the federated credential names another issuer",
    700030: "the certificate or assertion does not belong to this app: " + _FEDERATED,
    700054: "the app registration must not ask for id_tokens on the front channel; leave implicit grant off",
    700211: _FEDERATED,
    700212: _FEDERATED,
    700213: _FEDERATED,
    700229: _FEDERATED,
    900439: "a cloud of its own: set ENTRA_AUTHORITY and GRAPH_ENDPOINT to the hosts of that cloud",
    7000112: "the app registration is disabled: enable the enterprise application",
    7000215: _SECRET,
    7000218: "no credential was sent: set ENTRA_CLIENT_SECRET, or give the app its managed identity",
    7000222: _SECRET,
    7002137: _FEDERATED,
    7002138: _FEDERATED,
}

_CODE = re.compile(r"AADSTS(\d{4,8})")


def code_in(text: str) -> int | None:
    """The first AADSTS code that a page or a log line names."""
    found = _CODE.search(text)
    return int(found[1]) if found else None


def fix_of(code: int) -> str:
    """What to do about a code; a pointer to Microsoft's list for one that is not ours to mend."""
    return FIXES.get(code, f"look it up: https://login.microsoftonline.com/error?code={code}")
