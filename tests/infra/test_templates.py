"""The check of the templates finds what is planted, by line, and nothing in the real ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from dev.bicep.check import FOLDER, faults
from shared.config import SETTINGS

APP_SETTINGS = frozenset(SETTINGS)

PLANTED = {
    "a_brace_that_is_missing": (
        "modules/identity.bicep",
        "  tags: tags\n}",
        "  tags: tags\n",
        "cannot be read",
        "resource identity",
    ),
    "a_name_that_is_not_defined": (
        "modules/identity.bicep",
        "name: name",
        "name: nmae",
        "nmae is not defined",
        "name: nmae",
    ),
    "a_parameter_that_nobody_uses": (
        "modules/identity.bicep",
        "  tags: tags\n",
        "  tags: {}\n",
        "param tags is never used",
        "param tags object",
    ),
    "a_variable_that_nobody_uses": (
        "modules/storage.bicep",
        "var containerName",
        "var other = 1\nvar containerName",
        "var other is never used",
        "var other",
    ),
    "a_name_that_is_declared_twice": (
        "modules/vault.bicep",
        "resource vault ",
        "var vault = name\nresource vault ",
        "vault is declared twice",
        "resource vault",
    ),
    "a_parameter_without_description": (
        "modules/vault.bicep",
        "@description('Tags of every resource.')\n",
        "",
        "param tags has no @description",
        "param tags object",
    ),
    "an_argument_that_the_module_does_not_take": (
        "modules/platform.bicep",
        "    name: vaultName\n",
        "    name: vaultName\n    sku: 'premium'\n",
        "modules/vault.bicep has no param sku",
        "sku:",
    ),
    "an_argument_that_is_not_given": (
        "modules/platform.bicep",
        "    name: vaultName\n",
        "",
        "param name of modules/vault.bicep is not given",
        "module vault",
    ),
    "an_output_that_the_module_does_not_have": (
        "modules/platform.bicep",
        "vault.outputs.keyId",
        "vault.outputs.keyUri",
        "modules/vault.bicep has no output keyUri",
        "vault.outputs.keyUri",
    ),
    "a_module_that_does_not_exist": (
        "main.bicep",
        "'modules/platform.bicep'",
        "'modules/plattform.bicep'",
        "module modules/plattform.bicep does not exist",
        "module platform",
    ),
    "a_value_for_a_parameter_that_does_not_exist": (
        "main.bicepparam",
        "param namePrefix",
        "param prefix",
        "main.bicep has no param prefix",
        "param prefix",
    ),
    "a_property_that_is_misspelt": (
        "modules/site.bicep",
        "instanceMemoryMB: instanceMemoryMB",
        "instanceMemoryMb: instanceMemoryMB",
        "no such property of FunctionsScaleAndConcurrency: instanceMemoryMb",
        "instanceMemoryMb",
    ),
    "a_value_that_the_enumeration_does_not_have": (
        "modules/site.bicep",
        "name: 'python'",
        "name: 'pyhton'",
        "name of FunctionsRuntime is one of",
        "pyhton",
    ),
    "a_property_in_a_shared_variable": (
        "modules/storage.bicep",
        "defaultToOAuthAuthentication",
        "defaultToOauthAuthentication",
        "no such property of StorageAccountPropertiesCreateParameters: defaultToOauthAuthentication",
        "defaultToOauth",
    ),
    "a_setting_that_flex_consumption_refuses": (
        "modules/settings.bicep",
        "    AZURE_CLIENT_ID:",
        "    FUNCTIONS_WORKER_RUNTIME: 'python'\n    AZURE_CLIENT_ID:",
        "refuses or ignores the setting FUNCTIONS_WORKER_RUNTIME",
        "FUNCTIONS_WORKER",
    ),
    "a_property_that_flex_consumption_refuses": (
        "modules/site.bicep",
        "      http20Enabled",
        "      alwaysOn: false\n      http20Enabled",
        "refuses or ignores the property alwaysOn",
        "alwaysOn",
    ),
    "a_setting_that_nobody_reads": (
        "modules/settings.bicep",
        "    AZURE_CLIENT_ID:",
        "    AZURE_TENANT_ID: 'x'\n    AZURE_CLIENT_ID:",
        "nobody reads the setting AZURE_TENANT_ID",
        "AZURE_TENANT_ID",
    ),
    "a_setting_that_is_missing": (
        "modules/settings.bicep",
        "    GRAPH_SCOPES: graphScopes\n",
        "",
        "the setting GRAPH_SCOPES is missing",
        "resource settings",
    ),
    "an_account_key_that_is_read": (
        "modules/storage.bicep",
        "= hostAccount.name\n",
        "= hostAccount.listKeys().keys[0].value\n",
        "no key, secret or signature may be read",
        "listKeys",
    ),
    "shared_keys_that_are_allowed": (
        "modules/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "properties.allowSharedKeyAccess must be false",
        "resource hostAccount",
    ),
    "a_vault_without_purge_protection": (
        "modules/vault.bicep",
        "    enablePurgeProtection: true\n",
        "",
        "properties.enablePurgeProtection must be true",
        "resource vault",
    ),
    "a_role_that_is_too_mighty": (
        "modules/roles.bicep",
        "e147488a-f6f5-4113-8e2d-b22465e65bf6",
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        "is not among the allowed ones",
        "resource wrapping",
    ),
    "a_role_on_too_wide_a_scope": (
        "modules/roles.bicep",
        "scope: vault::key",
        "scope: vault",
        "this role may not be given on vault",
        "resource wrapping",
    ),
    "a_type_in_two_versions": (
        "modules/vault.bicep",
        "vaults@2026-02-01",
        "vaults@2023-07-01",
        "Microsoft.KeyVault/vaults is used in two versions",
        "resource vault",
    ),
    "a_log_that_writes_down_query_strings": (
        "modules/diagnostics.bicep",
        "'StorageWrite'",
        "'StorageRead'",
        "query strings",
        "StorageRead",
    ),
}


def test_the_real_templates_have_no_fault() -> None:
    assert faults(FOLDER, APP_SETTINGS) == []


@pytest.mark.parametrize("name", PLANTED)
def test_the_check_reports(name: str, tmp_path: Path) -> None:
    file, old, new, said, at = PLANTED[name]
    folder = tmp_path / "infra"
    shutil.copytree(FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    found = [fault for fault in faults(folder, APP_SETTINGS) if said in fault.text]

    assert found, faults(folder, APP_SETTINGS)
    changed = (folder / file).read_text(encoding="utf-8").splitlines()
    assert at in changed[found[0].line - 1]


def test_a_setting_that_the_app_begins_to_read_must_be_in_the_templates() -> None:
    found = faults(FOLDER, APP_SETTINGS | {"NEW_SETTING"})

    assert [fault.text for fault in found] == ["the setting NEW_SETTING is missing"]


def test_alerts_look_for_events_that_the_app_writes() -> None:
    queries = re.findall(r"query: '(traces .*)'", (FOLDER / "modules" / "alerts.bicep").read_text("utf-8"))
    events = {name for query in queries for name in re.findall(r'"(\w+)"', query)}
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    assert events
    assert [name for name in sorted(events) if f"| `{name}` |" not in readme] == []
