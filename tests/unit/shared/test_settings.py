"""How the less simple settings are understood: addresses, storage, marks of Azure, tenants, scopes."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import certifi
import pytest

from shared import errors
from shared.config import Config
from tests.fakes import build
from tests.fakes.entra import CLIENT_ID, TENANT

KEY = base64.b64encode(b"k" * 32).decode()
AZURE_MARKS = ("WEBSITE_SKU", "WEBSITE_POD_NAME", "LEGION_SERVICE_HOST", "WEBSITE_INSTANCE_ID")


def faults(environment: Mapping[str, str]) -> tuple[str, ...]:
    with pytest.raises(errors.NotConfigured) as refused:
        Config.from_environment(environment)
    return refused.value.faults


def named(environment: Mapping[str, str], name: str) -> bool:
    return any(fault.startswith(f"{name} ") for fault in faults(environment))


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("https://mail.example.org", "https://mail.example.org"),
        ("https://mail.example.org/", "https://mail.example.org"),
        ("https://Mail.Example.ORG", "https://mail.example.org"),
        ("HTTPS://mail.example.org", "https://mail.example.org"),
        (" https://mail.example.org ", "https://mail.example.org"),
        ("https://mail.example.org:443", "https://mail.example.org"),
        ("https://mail.example.org:443/", "https://mail.example.org"),
        ("https://mail.example.org:", "https://mail.example.org"),
        ("https://mail.example.org:8443", "https://mail.example.org:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://localhost:7071", "http://localhost:7071"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:7071/", "http://127.0.0.1:7071"),
        ("http://127.8.8.8", "http://127.8.8.8"),
        ("http://[::1]:7071", "http://[::1]:7071"),
        ("https://localhost:80", "https://localhost:80"),
    ],
)
def test_public_url_is_understood_to_the_letter_that_a_browser_sends_as_origin(written: str, understood: str) -> None:
    config = build.config(PUBLIC_URL=written)
    assert config.public_url == understood
    assert config.redirect_uri == f"{understood}/auth/callback"
    assert config.https == understood.startswith("https:")


@pytest.mark.parametrize(
    "written",
    [
        "https://mail.example.org/app",
        "https://mail.example.org//",
        "https://mail.example.org?x=1",
        "https://mail.example.org?",
        "https://mail.example.org#",
        "https://mail.example.org/#a",
        "https://user:pw@mail.example.org",
        "https://user@mail.example.org",
        "https://@mail.example.org",
        "http://mail.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://10.0.0.1",
        "http://0.0.0.0:7071",
        "http://[::2]",
        "ftp://localhost",
        "mail.example.org",
        "localhost:7071",
        "//mail.example.org",
        "https:mail.example.org",
        "https://",
        "https://:443",
        "https://mail.example.org:port",
        "https://mail.example.org:99999",
        "https://mail example.org",
        "https://mail.example.org\\evil",
        "https://bücher.example",
        "https://*.example.org",
        "https://mail.example.org,https://other.example.org",
        "https://%6dail.example.org",
        "https://[::1",
        "",
    ],
)
def test_public_url_is_refused_where_it_is_no_plain_origin(written: str) -> None:
    (fault,) = faults(build.environment(PUBLIC_URL=written))
    assert fault.startswith("PUBLIC_URL ")
    assert not written or written not in fault


def test_public_url_defaults_to_the_name_that_azure_gives_the_app() -> None:
    config = build.config(PUBLIC_URL=None, WEBSITE_HOSTNAME="Contoso.azurewebsites.net")
    assert config.public_url == "https://contoso.azurewebsites.net"
    assert build.config(WEBSITE_HOSTNAME="contoso.azurewebsites.net").public_url == build.PUBLIC_URL


@pytest.mark.parametrize(
    "written",
    [
        "UseDevelopmentStorage=true",
        "UseDevelopmentStorage=true;",
        "usedevelopmentstorage=TRUE",
        " UseDevelopmentStorage = true ; ",
        ";;USEDEVELOPMENTSTORAGE=True",
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.1",
    ],
)
def test_every_spelling_of_development_storage_means_the_emulator_and_is_refused_in_azure(written: str) -> None:
    store = build.config(SESSION_STORE=written).store
    assert (store.endpoint, store.account) == ("http://127.0.0.1:10002/devstoreaccount1", "devstoreaccount1")
    assert store.account_key is not None
    assert named(build.environment(SESSION_STORE=written, WEBSITE_SKU="FlexConsumption"), "SESSION_STORE")


def test_the_emulators_account_spelled_out_is_refused_in_azure_too() -> None:
    written = f"DefaultEndpointsProtocol=http;{build.EMULATOR};TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
    assert build.config(SESSION_STORE=written).store.endpoint == "http://127.0.0.1:10002/devstoreaccount1"
    assert named(build.environment(SESSION_STORE=written, WEBSITE_SKU="FlexConsumption"), "SESSION_STORE")


def test_a_connection_string_is_read_as_the_portal_writes_it() -> None:
    written = (
        f"DefaultEndpointsProtocol=https;AccountName=contosostore;AccountKey={KEY};EndpointSuffix=core.windows.net"
    )
    store = build.config(SESSION_STORE=written).store
    assert store.endpoint == "https://contosostore.table.core.windows.net"
    assert store.account == "contosostore"
    assert store.account_key is not None
    assert store.account_key.reveal() == KEY


def test_a_table_endpoint_alone_is_opened_with_the_managed_identity() -> None:
    config = build.config(
        SESSION_STORE=None,
        SESSION_STORE__tableServiceUri="https://contosostore.table.core.windows.net/",
        SESSION_STORE__clientId="of-the-store",
        AZURE_CLIENT_ID="of-the-app",
    )
    assert config.store.endpoint == "https://contosostore.table.core.windows.net"
    assert config.store.account == "contosostore"
    assert config.store.account_key is None
    assert config.store.identity_client_id == "of-the-store"
    assert config.identity_client_id == "of-the-app"


@pytest.mark.parametrize("mark", AZURE_MARKS)
def test_each_mark_of_azure_alone_refuses_what_is_for_local_runs(mark: str) -> None:
    environment = build.environment(**{mark: "x", "LOCAL_CA_FILE": certifi.where()})
    for name in ("SEALING_KEY", "SESSION_STORE", "LOCAL_CA_FILE", "SEALING_KEY_ID"):
        assert named(environment, name)


VAULT_KEY = "https://contoso-vault.vault.azure.net/keys/wrapping"
IN_AZURE = {"WEBSITE_SKU": "FlexConsumption", "SESSION_STORE": None, "SEALING_KEY": None, "ENTRA_CLIENT_SECRET": None}
IN_AZURE |= {"SESSION_STORE__tableServiceUri": "https://contosostore.table.core.windows.net"}
IDENTITY = {"IDENTITY_ENDPOINT": "http://127.0.0.1:7080/msi/token"}


@pytest.mark.parametrize("key_id", [VAULT_KEY, f"{VAULT_KEY}/0123456789abcdef0123456789abcdef"])
def test_in_azure_the_settings_need_no_secret_at_all(key_id: str) -> None:
    config = build.config(**IN_AZURE, SEALING_KEY_ID=key_id)
    assert (config.sealing_key_id, config.sealing_key, config.client_secret) == (key_id, None, None)
    assert config.store.account_key is None


def test_in_azure_the_key_in_key_vault_is_required_and_is_on_no_loopback_address() -> None:
    assert named(build.environment(**IN_AZURE), "SEALING_KEY_ID")
    assert named(build.environment(**IN_AZURE, SEALING_KEY_ID="https://localhost:7443/keys/wrapping"), "SEALING_KEY_ID")


def test_outside_azure_key_vault_and_a_client_without_secret_take_an_identity_that_is_imitated() -> None:
    without = build.environment(SEALING_KEY=None, ENTRA_CLIENT_SECRET=None, SEALING_KEY_ID=VAULT_KEY)
    assert named(without, "SEALING_KEY_ID")
    assert named(without, "ENTRA_CLIENT_SECRET")
    assert Config.from_environment(without | IDENTITY).sealing_key_id == VAULT_KEY


def test_the_id_of_a_key_is_read_as_the_portal_shows_it_and_with_a_port_on_loopback() -> None:
    for written, read in (
        ("https://Contoso-Vault.vault.azure.net:443/keys/wrapping", VAULT_KEY),
        ("https://localhost:7443/keys/wrapping", "https://localhost:7443/keys/wrapping"),
    ):
        assert build.config(**IDENTITY, SEALING_KEY=None, SEALING_KEY_ID=written).sealing_key_id == read


def test_a_container_counts_as_azure_where_its_host_name_is_public() -> None:
    container = {"CONTAINER_NAME": "any", "WEBSITE_HOSTNAME": "contoso.azurewebsites.net"}
    assert named(build.environment(**container), "SEALING_KEY")


@pytest.mark.parametrize("host", [None, "localhost:7071", "127.0.0.1:7071"])
def test_a_developers_container_and_core_tools_are_not_azure(host: str | None) -> None:
    assert build.config(CONTAINER_NAME="any", WEBSITE_HOSTNAME=host).sealing_key, "which Azure would refuse"


def test_an_empty_mark_is_no_mark() -> None:
    assert build.config(**dict.fromkeys(AZURE_MARKS, "")).sealing_key, "which Azure would refuse"


def test_a_ca_file_that_holds_certificates_is_taken() -> None:
    assert build.config(LOCAL_CA_FILE=certifi.where()).ca_file == certifi.where()


def test_tenants_are_compared_in_lower_case_and_a_star_means_all() -> None:
    some = build.config(ENTRA_ALLOWED_TENANTS=f" {TENANT.upper().replace('2', 'A')} ,{TENANT}, ")
    assert some.tenant_allowed(TENANT)
    assert some.tenant_allowed(TENANT.replace("2", "a"))
    assert not some.tenant_allowed(CLIENT_ID)
    assert build.config(ENTRA_ALLOWED_TENANTS="*").tenant_allowed(CLIENT_ID)


def test_an_authority_for_one_tenant_allows_that_tenant_and_no_other() -> None:
    config = build.config(ENTRA_AUTHORITY=f"https://login.microsoftonline.com/{TENANT}/", ENTRA_ALLOWED_TENANTS=None)
    assert config.tenant_allowed(TENANT)
    assert not config.tenant_allowed(CLIENT_ID)


def test_the_authority_for_personal_accounts_allows_their_one_tenant() -> None:
    config = build.config(ENTRA_AUTHORITY="https://login.microsoftonline.com/consumers", ENTRA_ALLOWED_TENANTS=None)
    assert config.allowed_tenants == frozenset({"9188040d-6c67-4c5b-b112-36a304b66dad"})


def test_scopes_keep_their_order_and_lose_repetitions() -> None:
    assert build.config(GRAPH_SCOPES=" Mail.Read  User.Read Mail.Read ").scopes == ("Mail.Read", "User.Read")
    whole = "https://graph.microsoft.com/.default"
    assert build.config(GRAPH_SCOPES=whole).scopes == (whole,)


def test_on_http_the_cookie_has_a_name_that_browsers_take_there() -> None:
    assert build.config(PUBLIC_URL="http://localhost:7071").session_cookie_name == "drawbridge-session"
    (fault,) = faults(build.environment(PUBLIC_URL="http://localhost:7071", SESSION_COOKIE_NAME="__Host-session"))
    assert fault.startswith("SESSION_COOKIE_NAME ")
