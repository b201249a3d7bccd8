"""What the Azure CLI says of a site, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from dev.bicep.policy import NOT_DEPLOYED, ROLES
from dev.doctor.azure import Refused, examine
from dev.doctor.verdicts import Verdict
from shared.config import SETTINGS

URL = "https://mail.example.org"
IDENTITY = "99999999-9999-4999-8999-999999999999"


class Subscription:
    """Answers `az` for a deployment that is right, until a test changes something."""

    def __init__(self) -> None:
        self.site: dict[str, Any] = {
            "httpsOnly": True,
            "functionAppConfig": {"runtime": {"name": "python", "version": "3.13"}},
            "identity": {"userAssignedIdentities": {"/identity": {"principalId": IDENTITY}}},
        }
        self.settings = [name for name in SETTINGS if name not in NOT_DEPLOYED]
        self.roles = list(ROLES)
        self.redirect_uris = [f"{URL}/auth/callback"]
        self.subject = IDENTITY
        self.refused: str | None = None

    def az(self, arguments: list[str]) -> Any:
        asked = " ".join(arguments)
        if self.refused and asked.startswith(self.refused):
            raise Refused("AuthorizationFailed")
        if asked.startswith("functionapp show"):
            return self.site
        if "--query" in asked:
            return [{"name": "ENTRA_CLIENT_ID", "value": "client"}, {"name": "PUBLIC_URL", "value": URL}]
        if asked.startswith("functionapp config appsettings"):
            return [{"name": name, "value": "unread"} for name in self.settings]
        if asked.startswith("role assignment list"):
            return [{"roleDefinitionId": f"/x/{role}", "roleDefinitionName": role[:8]} for role in self.roles]
        if asked.startswith("ad app show"):
            return {"web": {"redirectUris": self.redirect_uris}}
        assert asked.startswith("ad app federated-credential list")
        return [{"subject": self.subject}]

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
        ("roles", lambda azure: azure.roles.pop()),
        ("roles", lambda azure: azure.roles.append("8e3af657-a8ff-443c-a75c-2fe8c4bcb635")),
        ("identity", lambda azure: azure.site.update(identity=None)),
        ("redirect URI", lambda azure: azure.redirect_uris.clear()),
        ("federated credential", lambda azure: setattr(azure, "subject", "its client id")),
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
