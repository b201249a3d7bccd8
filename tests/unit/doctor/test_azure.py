"""What the Azure CLI says of a site, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from dev.bicep.policy import NOT_DEPLOYED
from dev.doctor.azure import Refused, examine
from dev.doctor.verdicts import Verdict
from shared.config import SETTINGS

URL = "https://mail.example.org"
IDENTITY = "99999999-9999-4999-8999-999999999999"
ISSUER = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0"
GROUP = "/subscriptions/s/resourceGroups/group"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
TABLES_ROLE = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
GRANTS = [
    ("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", f"{STORAGE}/host"),
    *((TABLES_ROLE, f"{STORAGE}/s/tableServices/default/tables/{table}") for table in ("sessions", "sessionindex")),
    (TABLES_ROLE, f"{STORAGE}/s/tableServices/default/tables/keyring"),
    ("e147488a-f6f5-4113-8e2d-b22465e65bf6", f"{GROUP}/providers/Microsoft.KeyVault/vaults/v/keys/drawbridge"),
    ("3913510d-42f4-4e42-8a64-420c390055eb", f"{GROUP}/providers/microsoft.insights/components/c"),
]
VALUES = {
    "ENTRA_CLIENT_ID": "client",
    "ENTRA_AUTHORITY": "https://login.microsoftonline.com/common",
    "GRAPH_SCOPES": "User.Read Mail.Read",
    "PUBLIC_URL": URL + "/",  # the app understands a slash too many
}


class Subscription:
    """Answers `az` for a deployment that is right, until a test changes something."""

    def __init__(self) -> None:
        self.site: dict[str, Any] = {
            "httpsOnly": True,
            "functionAppConfig": {"runtime": {"name": "python", "version": "3.13"}},
            "identity": {"userAssignedIdentities": {"/identity": {"principalId": IDENTITY}}},
        }
        self.settings = [name for name in SETTINGS if name not in NOT_DEPLOYED]
        self.grants = list(GRANTS)
        self.web: dict[str, Any] = {
            "redirectUris": [f"{URL}/auth/callback"],
            "logoutUrl": f"{URL}/auth/front-channel-logout",
        }
        self.credential = {"subject": IDENTITY, "issuer": ISSUER, "audiences": ["api://AzureADTokenExchange"]}
        self.refused: str | None = None

    def az(self, arguments: list[str]) -> Any:
        asked = " ".join(arguments)
        if self.refused and asked.startswith(self.refused):
            raise Refused("AuthorizationFailed")
        if asked.startswith("functionapp show"):
            return self.site
        if "--query" in asked:
            return [{"name": name, "value": value} for name, value in VALUES.items()]
        if asked.startswith("functionapp config appsettings"):
            return [{"name": name, "value": "unread"} for name in self.settings]
        if asked.startswith("role assignment list"):
            return [
                {"roleDefinitionId": f"/x/{role}", "roleDefinitionName": role[:8], "scope": scope}
                for role, scope in self.grants
            ]
        if asked.startswith("ad app show"):
            return {"web": self.web}
        assert asked.startswith("ad app federated-credential list")
        return [self.credential]

    def verdicts(self) -> dict[str, Verdict]:
        return {verdict.check: verdict for verdict in examine("group", "site", self.az)}


def test_a_deployment_that_is_right_has_nothing_wrong() -> None:
    assert {verdict.level for verdict in Subscription().verdicts().values()} == {"ok"}


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("runtime", lambda azure: azure.site["functionAppConfig"]["runtime"].update(version="3.12")),
        ("https only", lambda azure: azure.site.update(httpsOnly=False)),
        ("settings", lambda azure: azure.settings.remove("SEALING_KEY_ID")),
        ("settings", lambda azure: azure.settings.append("ENTRA_CLIENT_SECRET")),
        ("settings", lambda azure: azure.settings.append("WEBSITE_RUN_FROM_PACKAGE")),
        ("roles", lambda azure: azure.grants.pop()),
        ("roles", lambda azure: azure.grants.pop(2)),
        ("roles", lambda azure: azure.grants.append(("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", GROUP))),
        ("roles", lambda azure: azure.grants.append((TABLES_ROLE, f"{STORAGE}/s"))),
        ("identity", lambda azure: azure.site.update(identity=None)),
        ("redirect URI", lambda azure: azure.web.clear()),
        ("federated credential", lambda azure: azure.credential.update(subject="its client id")),
        ("federated credential", lambda azure: azure.credential.update(issuer=ISSUER + "/")),
        ("federated credential", lambda azure: azure.credential.update(audiences=["api://another"])),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(check: str, change: Any) -> None:
    azure = Subscription()
    change(azure)
    found = [verdict for verdict in examine("group", "site", azure.az) if verdict.check == check]
    assert "wrong" in {verdict.level for verdict in found}
    assert all(verdict.fix for verdict in found if verdict.level == "wrong")


def test_what_may_not_be_read_is_unknown_and_the_rest_is_still_looked_at() -> None:
    azure = Subscription()
    azure.refused = "role assignment"
    verdicts = azure.verdicts()
    assert verdicts["az"].level == "unknown"
    assert verdicts["federated credential"].level == "ok"


def test_no_value_of_a_setting_is_shown() -> None:
    assert "unread" not in str(Subscription().verdicts())


def test_a_role_on_too_wide_a_scope_is_named_with_it() -> None:
    azure = Subscription()
    azure.grants.append((TABLES_ROLE, f"{STORAGE}/s"))
    assert f"on {STORAGE}/s" in azure.verdicts()["roles"].reason


def test_signing_out_at_microsoft_works_without_a_logout_url_only_here_and_that_is_told() -> None:
    azure = Subscription()
    azure.web["logoutUrl"] = None
    assert azure.verdicts()["logout URL"].level == "warning"


def test_the_link_for_administrators_is_shown_for_organizations_never_for_common() -> None:
    reason = Subscription().verdicts()["admin consent"].reason
    assert "https://login.microsoftonline.com/organizations/v2.0/adminconsent?client_id=client" in reason
