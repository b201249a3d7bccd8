"""Settings: what is understood, what is refused, and that a refusal names everything but never a value."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from shared import errors
from shared.config import SETTINGS, Config
from tests.fakes import build
from tests.fakes.entra import CLIENT_ID, TENANT

KEY = base64.b64encode(b"k" * 32).decode()
HERE = str(Path(__file__).resolve().parent)


def faults(environment: Mapping[str, str]) -> tuple[str, ...]:
    with pytest.raises(errors.NotConfigured) as refused:
        Config.from_environment(environment)
    return refused.value.faults


WRONG = [
    ("ENTRA_CLIENT_ID", None, "GUID"),
    ("ENTRA_CLIENT_ID", "my-application", "GUID"),
    ("ENTRA_CLIENT_ID", CLIENT_ID + "0", "GUID"),
    ("ENTRA_CLIENT_ID", "{" + CLIENT_ID + "}", "GUID"),
    ("ENTRA_CLIENT_SECRET", None, "required"),
    ("ENTRA_CLIENT_SECRET", "   ", "required"),
    ("ENTRA_AUTHORITY", "http://login.microsoftonline.com/common", "https://"),
    ("ENTRA_AUTHORITY", "http://localhost:8443/common", "https://"),
    ("ENTRA_AUTHORITY", "https://login.microsoftonline.com", "tenant id"),
    ("ENTRA_AUTHORITY", "https://login.microsoftonline.com/common/v2.0", "tenant id"),
    ("ENTRA_AUTHORITY", "https://login.microsoftonline.com/every-body", "tenant id"),
    ("ENTRA_AUTHORITY", "login.microsoftonline.com/common", "URL"),
    ("ENTRA_ALLOWED_TENANTS", None, "required"),
    ("ENTRA_ALLOWED_TENANTS", " , ", "required"),
    ("ENTRA_ALLOWED_TENANTS", "contoso.example", "tenant ids"),
    ("ENTRA_ALLOWED_TENANTS", f"{TENANT},*", "tenant ids"),
    ("ENTRA_ALLOWED_TENANTS", f"{TENANT};{TENANT}", "tenant ids"),
    ("GRAPH_ENDPOINT", "http://graph.microsoft.com/v1.0", "https://"),
    ("GRAPH_ENDPOINT", "https://graph.example.org", "version"),
    ("GRAPH_ENDPOINT", "https://graph.microsoft.com/v1.0/me", "version"),
    ("GRAPH_ENDPOINT", "https://graph.microsoft.com/v1.0?a=secret", "query"),
    ("GRAPH_SCOPES", "Mail.Read openid", "always asked for"),
    ("GRAPH_SCOPES", "Mail.Read Offline_Access", "always asked for"),
    ("GRAPH_SCOPES", 'Mail."Read"', "permissions"),
    ("GRAPH_OPTIONAL_SCOPES", "Mail.Send profile", "always asked for"),
    ("PUBLIC_URL", None, "required"),
    ("PUBLIC_URL", "https://mail.example.org/app", "without a path"),
    ("PUBLIC_URL", "http://mail.example.org", "https://"),
    ("SESSION_STORE", None, "connection string"),
    ("SESSION_STORE", "UseDevelopmentStorage=false", "connection string"),
    ("SESSION_STORE", "AccountName=contosostore", "AccountKey"),
    ("SESSION_STORE", f"AccountKey={KEY}", "AccountName"),
    ("SESSION_STORE", "AccountName=contosostore;AccountKey=not*base64", "base64"),
    ("SESSION_STORE", f"DefaultEndpointsProtocol=http;AccountName=contosostore;AccountKey={KEY}", "https://"),
    ("SESSION_STORE", f"AccountName=a;AccountKey={KEY};TableEndpoint=http://tables.example.org/a", "https://"),
    ("SESSION_STORE", "TableEndpoint=https://a.example.org;SharedAccessSignature=sv=2019&sig=abcdef", "SAS"),
    ("SESSION_STORE", f"AccountName=a;AccountKey={KEY};SHAREDACCESSSIGNATURE=sig=abcdef", "SAS"),
    ("SESSION_STORE", f"AccountName=a;AccountKey={KEY};TableEndpoint=https://a.example.org?sig=abcdef", "query"),
    ("SESSION_STORE__tableServiceUri", "https://contosostore.example.org", "absent"),
    ("SEALING_KEY", None, "32 random bytes"),
    ("SEALING_KEY", base64.b64encode(b"k" * 31).decode(), "32 random bytes"),
    ("SEALING_KEY", base64.b64encode(b"k" * 33).decode(), "32 random bytes"),
    ("SEALING_KEY", "correct horse battery staple", "32 random bytes"),
    ("SEALING_KEY", "é" * 44, "32 random bytes"),
    ("SEALING_KEY_ID", "contoso-vault/keys/wrap", "URL"),
    ("SEALING_KEY_ID", "http://contoso.vault.azure.net/keys/wrap", "https id"),
    ("SEALING_KEY_ID", "http://localhost:7443/keys/wrap", "https id"),
    ("SEALING_KEY_ID", "https://contoso.vault.azure.net/secrets/wrap", "https id"),
    ("SEALING_KEY_ID", "https://contoso.vault.azure.net/keys/wrap/newest", "https id"),
    ("SEALING_KEY_ID", "https://user@contoso.vault.azure.net/keys/wrap", "user name"),
    ("SEALING_KEY_ID", "https://contoso.vault.azure.net/keys/wrap", "absent where SEALING_KEY is set"),
    ("SESSION_MAX_AGE", "299", "from 300 to 7776000"),
    ("SESSION_MAX_AGE", "7776001", "from 300 to 7776000"),
    ("SESSION_MAX_AGE", "-86400", "whole seconds"),
    ("SESSION_MAX_AGE", "7 days", "whole seconds"),
    ("SESSION_MAX_AGE", "86400.5", "whole seconds"),
    ("SESSION_MAX_AGE", "٣٠٠٠", "whole seconds"),
    ("SESSION_IDLE_TIMEOUT", "59", "from 60"),
    ("SESSION_IDLE_TIMEOUT", "604801", "to 604800"),
    ("SESSION_COOKIE_NAME", "__Host-a b", "cookie name"),
    ("SESSION_COOKIE_NAME", "__Host-" + "a" * 58, "64 characters"),
    ("SESSION_COOKIE_NAME", "plain-session", "__Host-"),
    ("SESSION_COOKIE_NAME", "__Secure-session", "__Host-"),
    ("LOCAL_CA_FILE", "/does/not/exist.pem", "PEM file"),
    ("LOCAL_CA_FILE", HERE, "PEM file"),
    ("LOCAL_CA_FILE", __file__, "PEM file"),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRONG, ids=[f"{i}-{w[0]}" for i, w in enumerate(WRONG)])
def test_each_wrong_setting_is_named_with_what_it_must_be_and_never_with_its_value(
    name: str, value: str | None, expected: str
) -> None:
    found = faults(build.environment(**{name: value}))
    assert len(found) == 1
    assert found[0].startswith(f"{name} ")
    assert expected in found[0]
    shown = f"{found} {errors.NotConfigured(found)}"
    assert not value or not value.strip(" ,") or value not in shown
    assert all(secret not in shown for secret in (KEY, build.SEALING_KEY, "sig=", "client-secret"))


def test_all_faults_are_told_at_once() -> None:
    wrong = {
        "ENTRA_CLIENT_ID": "secret-1",
        "ENTRA_AUTHORITY": "secret-2",
        "ENTRA_ALLOWED_TENANTS": "secret-3",
        "GRAPH_ENDPOINT": "secret-4",
        "GRAPH_SCOPES": "secret-5 openid",
        "GRAPH_OPTIONAL_SCOPES": "secret-6 openid",
        "PUBLIC_URL": "secret-7",
        "SESSION_STORE": "secret-8",
        "SESSION_STORE__tableServiceUri": "secret-9",
        "SEALING_KEY": "secret-10",
        "SEALING_KEY_ID": "secret-11",
        "SESSION_MAX_AGE": "secret-12",
        "SESSION_IDLE_TIMEOUT": "secret-13",
        "SESSION_COOKIE_NAME": "secret 14",
        "LOCAL_CA_FILE": "secret-15",
    }
    found = faults(wrong)
    assert sorted(fault.split()[0] for fault in found) == sorted([*wrong, "ENTRA_CLIENT_SECRET"])
    told = str(errors.NotConfigured(found))
    assert told.startswith("16 settings are wrong: ")
    assert "secret-" not in told


def test_an_empty_environment_names_everything_that_is_required_and_nothing_else() -> None:
    required = ["ENTRA_ALLOWED_TENANTS", "ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET", "PUBLIC_URL", "SEALING_KEY"]
    assert sorted(fault.split()[0] for fault in faults({})) == [*required, "SESSION_STORE"]


def test_one_fault_is_told_in_the_singular() -> None:
    assert str(errors.NotConfigured(["PUBLIC_URL is required"])) == "1 setting is wrong: PUBLIC_URL is required"


def test_the_fewest_settings_give_the_documented_defaults() -> None:
    config = build.config()
    assert config.authority == "https://login.microsoftonline.com/common"
    assert config.graph_endpoint == "https://graph.microsoft.com/v1.0"
    assert config.scopes == ("User.Read", "Mail.Read")
    assert config.optional_scopes == ()
    assert (config.session_max_age, config.session_idle_timeout) == (604800, 86400)
    assert config.session_cookie_name == "__Host-Http-session"
    assert config.ca_file is None
    assert config.sealing_key, "which Azure would refuse"


def test_a_short_session_needs_no_idle_time_out_of_its_own() -> None:
    assert build.config(SESSION_MAX_AGE="3600").session_idle_timeout == 3600


def test_every_setting_that_is_listed_is_read_and_none_is_written() -> None:
    class Recording(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
            read.add(name)
            return super().get(name, default)

    read: set[str] = set()
    environment = Recording(build.environment(SESSION_STORE=None, SESSION_STORE__tableServiceUri="https://a.example"))
    before = dict(environment)
    Config.from_environment(environment)
    assert set(SETTINGS) <= read
    assert environment == before


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(FrozenInstanceError):
        build.config().public_url = "https://evil.example"  # type: ignore[misc]


def test_settings_do_not_print_their_secrets() -> None:
    config = build.config(SESSION_STORE=f"AccountName=a;AccountKey={KEY}")
    shown = f"{config} {config!r} {[getattr(config, field.name) for field in fields(config)]}"
    assert all(secret not in shown for secret in ("client-secret", KEY, build.SEALING_KEY))
