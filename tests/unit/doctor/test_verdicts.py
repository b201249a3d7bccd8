"""How verdicts are shown, what AADSTS codes mean for an operator, and what a registration must be."""

from __future__ import annotations

import json
import re

import pytest

from dev.doctor.entra_codes import FIXES, code_in, fix_of
from dev.doctor.registration import from_settings
from dev.doctor.verdicts import as_json, as_text, exit_code, ok, unknown, warning, wrong


def test_the_exit_code_is_that_of_the_worst_verdict() -> None:
    assert exit_code([ok("a", "b"), warning("a", "b", "c")]) == 0
    assert exit_code([ok("a", "b"), unknown("a", "b", "c")]) == 3
    assert exit_code([unknown("a", "b", "c"), wrong("a", "b", "c")]) == 1


def test_a_fix_has_a_line_of_its_own() -> None:
    assert as_text([wrong("ready", "503", "look at the log")]) == "WRONG   ready: 503\n        Fix: look at the log"
    assert json.loads(as_json([ok("ready", "200")])) == [{"check": "ready", "level": "ok", "reason": "200", "fix": ""}]


@pytest.mark.parametrize(
    "code", [50011, 50049, 50105, 50194, 65001, 70011, 70021, 700016, 7000215, 7000218, 7000222, 700213]
)
def test_what_an_operator_can_cause_has_a_remedy_of_its_own(code: int) -> None:
    assert code in FIXES
    assert code_in(f"<p>AADSTS{code}: something.</p>") == code


def test_a_code_of_somebody_elses_leads_to_the_list_of_microsoft() -> None:
    assert "code=50126" in fix_of(50126)
    assert code_in("nothing here") is None


def test_the_registration_names_everything_that_its_owner_must_enter() -> None:
    text = from_settings(
        {"ENTRA_CLIENT_ID": "client", "GRAPH_SCOPES": "User.Read Mail.Read"}, "https://mail.example.org"
    )
    for part in (
        "https://mail.example.org/auth/callback",
        "https://mail.example.org/auth/front-channel-logout",
        "sid, login_hint",
        "User.Read Mail.Read offline_access",
        "api://AzureADTokenExchange",
        "adminconsent?client_id=client",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("tenant", "accounts"),
    [
        ("common", "AzureADandPersonalMicrosoftAccount"),
        ("organizations", "AzureADMultipleOrgs"),
        ("consumers", "PersonalMicrosoftAccount"),
        ("contoso.com", "AzureADMyOrg"),
    ],
)
def test_the_registration_is_for_the_accounts_that_the_authority_lets_in(tenant: str, accounts: str) -> None:
    text = from_settings({"ENTRA_AUTHORITY": f"https://login.microsoftonline.com/{tenant}"}, None)
    assert re.search(rf"Supported accounts .*\({accounts}\)", text)


def test_a_public_url_with_a_slash_too_many_is_registered_as_the_app_understands_it() -> None:
    text = from_settings({"PUBLIC_URL": "https://Mail.Example.org:443/"}, None)
    assert "Redirect URI               https://mail.example.org/auth/callback\n" in text


def test_permissions_that_are_asked_for_later_are_registered_too() -> None:
    text = from_settings({"GRAPH_OPTIONAL_SCOPES": "Mail.ReadWrite"}, None)
    assert "delegated: User.Read Mail.Read Mail.ReadWrite offline_access" in text


@pytest.mark.parametrize(
    ("authority", "link", "audience"),
    [
        ("https://login.microsoftonline.us/contoso.us", "/contoso.us/v2.0/adminconsent", "AzureADTokenExchangeUSGov"),
        ("https://login.microsoftonline.com/common", "/organizations/v2.0/adminconsent", "AzureADTokenExchange"),
    ],
)
def test_the_registration_follows_the_cloud_and_asks_administrators_of_some_tenant(
    authority: str, link: str, audience: str
) -> None:
    text = from_settings({"ENTRA_CLIENT_ID": "client", "ENTRA_AUTHORITY": authority}, "https://mail.example.org")
    host = authority.rpartition("/")[0]
    assert f"{host}{link}?client_id=client" in text
    assert f"issuer                 {host}/<tenant id>/v2.0\n" in text
    assert f"audience               api://{audience}\n" in text
