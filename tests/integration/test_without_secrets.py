"""An app without a secret in its settings: the managed identity signs for it at Entra, and opens its keys' vault."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from dev.azurite.serving import ACCOUNT, AzuriteOptions, serve
from dev.certificates import server_certificate
from dev.sandbox.options import IDENTITY_CLIENT_ID, IDENTITY_HEADER
from tests.support.at_once import until
from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer


def settings(sandbox: Sandbox) -> Any:
    """As Azure would give them to the app, with the sandbox's addresses."""
    return {
        "ENTRA_CLIENT_SECRET": "",
        "SEALING_KEY": "",
        "SEALING_KEY_ID": f"{sandbox.https_url}/keys/wrapping",
        "AZURE_CLIENT_ID": IDENTITY_CLIENT_ID,
        "IDENTITY_ENDPOINT": f"{sandbox.http_url}/msi/token",
        "IDENTITY_HEADER": IDENTITY_HEADER,
    }


@pytest.fixture
def app(apps: Apps, sandbox: Sandbox) -> App:
    return apps.get(**settings(sandbox))


@pytest.fixture(scope="module")
def guarded_tables(ca_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of tables that are opened by a token over https; no account key is given to anybody."""
    log = tmp_path_factory.mktemp("guarded") / "azurite.log"
    with serve(AzuriteOptions(log=log, certificate=server_certificate(ca_folder))) as running:
        yield f"https://127.0.0.1:{running.port}/{ACCOUNT}"


def token_forms(sandbox: Sandbox) -> list[dict[str, str]]:
    return [call["form"] for call in sandbox.control.log(where="token")]


def identity_calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.control.log(where="identity")


def vault_calls(sandbox: Sandbox) -> int:
    return len(sandbox.control.log(where="vault"))


def problem(answer: Answer) -> tuple[int, str, bool]:
    """Status, code, and whether it says when to come again."""
    return answer.status, answer.json()["code"], int(answer.header("Retry-After") or 0) > 0


def test_a_person_signs_in_reads_mail_and_signs_out(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    assert browser.fetch(f"{app.url}/auth/me").json()["name"] == "Maren Solberg"
    assert browser.fetch(f"{app.url}/api/messages").json()["messages"]
    assert browser.fetch(f"{app.url}/auth/logout", "POST").status == 200
    assert browser.fetch(f"{app.url}/auth/me").status == 401
    (form,) = token_forms(sandbox)
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["client_assertion"]
    assert "client_secret" not in form


def test_with_the_settings_of_azure_even_the_tables_are_opened_by_the_identity(
    own_apps: Apps, guarded_tables: str, sandbox: Sandbox, sign_in: SignIn
) -> None:
    """A sign-in, a read, a renewal, the list of sessions and a sign-out, with no key to anything in the settings."""
    tables = {"SESSION_STORE": "", "SESSION_STORE__tableServiceUri": guarded_tables, "AzureWebJobsStorage": ""}
    app = own_apps.start(**(settings(sandbox) | tables))
    assert not any("AccountKey" in value or "secret" in value for value in app.settings.values())
    browser = sign_in(app)
    assert browser.fetch(f"{app.url}/api/messages").json()["messages"]
    sandbox.control.expire()
    assert browser.fetch(f"{app.url}/api/messages").status == 200
    assert len(browser.fetch(f"{app.url}/auth/sessions").json()["sessions"]) == 1
    assert browser.fetch(f"{app.url}/auth/logout", "POST").status == 200
    assert browser.fetch(f"{app.url}/auth/me").status == 401
    resources = {call["query"].partition("resource=")[2].partition("&")[0] for call in identity_calls(sandbox)}
    assert resources == {"https://vault.azure.net", "https://storage.azure.com", "api://AzureADTokenExchange"}


def test_tokens_are_renewed_by_the_assertion_too(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    sandbox.control.expire()
    assert browser.fetch(f"{app.url}/api/messages").status == 200
    assert [form["grant_type"] for form in token_forms(sandbox)] == ["authorization_code", "refresh_token"]
    assert all("client_secret" not in form and form["client_assertion"] for form in token_forms(sandbox))


def test_a_request_of_a_warm_app_asks_neither_the_vault_nor_the_identity(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    sandbox.control.fault("vault", {"status": 503}, times=None)
    sandbox.control.fault("identity", {"status": 500}, times=None)
    before = vault_calls(sandbox)
    for _ in range(5):
        assert browser.fetch(f"{app.url}/api/messages").status == 200
    assert sign_in(app).fetch(f"{app.url}/auth/me").status == 200
    assert vault_calls(sandbox) == before


def test_without_the_vault_a_cold_app_says_503_and_signs_nobody_out(
    app: App, apps: Apps, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    cold = apps.start(**settings(sandbox))
    sandbox.control.fault("vault", {"status": 503}, times=None)
    before = vault_calls(sandbox)
    for _ in range(10):
        assert problem(browser.fetch(f"{cold.url}/auth/me")) == (503, "keys_unavailable", True)
        assert problem(browser.fetch(f"{cold.url}/api/messages")) == (503, "keys_unavailable", True)
    assert vault_calls(sandbox) <= before + 8, "not once per request"
    assert "Traceback" not in cold.log
    sandbox.control.reset()
    until(lambda: browser.fetch(f"{cold.url}/auth/me").status == 200, 20)
    assert browser.fetch(f"{app.url}/auth/me").status == 200


def test_an_identity_that_gives_no_assertion_fails_the_sign_in_and_ends_no_session(
    apps: Apps, app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    cold = apps.start(**settings(sandbox))
    assert browser.fetch(f"{cold.url}/auth/me").status == 200
    sandbox.control.fault("identity", {"status": 500}, times=None)
    sandbox.control.expire()
    assert problem(browser.fetch(f"{cold.url}/api/messages")) == (503, "entra_unavailable", True)
    assert browser.fetch(f"{cold.url}/auth/me").status == 200
    sandbox.control.reset()
    until(lambda: browser.fetch(f"{cold.url}/api/messages").status == 200, 20)


def test_a_federated_credential_that_entra_does_not_know_signs_nobody_out(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    refusal = {"error": "invalid_client", "error_codes": [700213], "error_description": "AADSTS700213: No match."}
    sandbox.control.fault("token", {"status": 401, "body": refusal}, times=None)
    sandbox.control.expire()
    assert problem(browser.fetch(f"{app.url}/api/messages"))[:2] == (503, "app_registration_refused")
    assert browser.fetch(f"{app.url}/auth/me").status == 200


def test_many_requests_with_invented_keys_reach_neither_vault_nor_sessions(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    before = vault_calls(sandbox)
    stranger = BrowserClient(sandbox.ca_file)
    for number in range(50):
        named = b"\x08" + f"{99_990_000 + number}".encode()  # an id as a key's is, and its length before it
        cursor = base64.urlsafe_b64encode(named + bytes(60)).decode()
        assert browser.fetch(f"{app.url}/api/messages?cursor={cursor}").status == 400
        assert stranger.fetch(f"{app.url}/api/messages?cursor={cursor}").status == 401
    assert vault_calls(sandbox) == before
