"""Who is let in, and who stays: tenants taken off the list, and refreshes that come back as somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.rows import new_rows, session_rows
from tests.support.signing_in import SESSION, callback_of

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import BrowserClient

LIFE = 60
OTHER = "aaaaaaaa-0000-4000-8000-000000000001"


def grants(sandbox: Sandbox) -> int:
    return int(sandbox.control.stats()["token"].get("refresh_token", 0))


def test_a_tenant_that_is_not_on_the_list_gets_a_page_and_no_row(
    apps: Apps, azurite: Azurite, sandbox: Sandbox, browser_client: BrowserClient
) -> None:
    app = apps.get(ENTRA_ALLOWED_TENANTS=OTHER)
    before = session_rows(azurite)
    page = browser_client.navigate(callback_of(app, sandbox, browser_client), "cross-site")
    assert (page.status, "account_not_allowed" in page.text) == (403, True)
    assert SESSION not in browser_client.cookies(app.url)
    assert new_rows(azurite, before) == {}


def test_a_tenant_that_is_taken_off_the_list_is_out_at_the_next_request(
    app: App, apps: Apps, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    stricter = apps.get(ENTRA_ALLOWED_TENANTS=OTHER)
    for path in ("/auth/me", "/api/messages"):
        answer = browser.fetch(stricter.url + path)
        assert (answer.status, answer.json()["code"]) == (401, "not_signed_in")
    assert sandbox.control.log(where="graph") == []


@pytest.mark.parametrize("claim", ["oid", "sub", "tid", "iss"])
def test_a_refresh_that_comes_back_as_somebody_elses_ends_the_session(
    app: App, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn, claim: str
) -> None:
    before = session_rows(azurite)
    sandbox.control.settings(expires_in=LIFE)
    browser = sign_in(app)
    sandbox.control.app_clock(LIFE + 1)
    sandbox.control.fault("token", {"id_token": {claim: OTHER}})
    for _ in range(3):
        answer = browser.fetch(f"{app.url}/api/messages")
        assert (answer.status, answer.json()["code"]) == (401, "not_signed_in")
    assert grants(sandbox) == 1
    assert sandbox.control.log(where="graph") == []
    assert new_rows(azurite, before) == {}


@pytest.mark.parametrize("change", [{"scope": None}, {"id_token": None}, {"refresh_token": None}])
def test_a_refresh_that_leaves_something_unsaid_is_taken_as_it_was_asked(
    app: App, sandbox: Sandbox, sign_in: SignIn, change: dict[str, Any]
) -> None:
    sandbox.control.settings(expires_in=LIFE)
    browser = sign_in(app)
    scopes = set(browser.fetch(f"{app.url}/auth/me").json()["scopes"])
    sandbox.control.fault("token", {"change": change})
    for round_number in (1, 2):
        sandbox.control.app_clock(LIFE * round_number + 1)
        assert browser.fetch(f"{app.url}/api/messages").status == 200
        assert {"Mail.Read", "User.Read"} <= set(browser.fetch(f"{app.url}/auth/me").json()["scopes"]) <= scopes
    assert grants(sandbox) == 2


def test_a_refresh_that_grants_less_is_told_as_missing_consent_without_a_loop_until_the_next_sign_in(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    sandbox.control.settings(expires_in=LIFE)
    browser = sign_in(app)
    sandbox.control.app_clock(LIFE + 1)
    sandbox.control.fault("token", {"change": {"scope": "User.Read openid profile"}})
    answers = [browser.fetch(f"{app.url}/api/messages") for _ in range(3)]
    assert {(answer.status, answer.json()["code"]) for answer in answers} == {(403, "consent_required")}
    assert (grants(sandbox), len(sandbox.control.log(where="graph"))) == (1, 0)
    (login_url,) = {answer.json()["login_url"] for answer in answers}
    assert "step_up" not in login_url
    assert browser.fetch(f"{app.url}/auth/me").json()["scopes"] == ["User.Read", "openid", "profile"]
    callback = sandbox.control.sign_in(browser.navigate(login_url).location)
    assert browser.navigate(callback, "cross-site").status == 303
    assert browser.fetch(f"{app.url}/api/messages").status == 200
