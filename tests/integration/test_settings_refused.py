"""Wrong settings: refused at once where somebody is watching, answered with 503 where nobody is, never with a value."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dev.host.options import HostOptions
from dev.host.serving import NotStarted, serve
from dev.launcher import children
from tests.support.apps import CLONE
from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dev.host.serving import RunningHost

MARK = "value-nobody-may-see"
WRONG = {
    "ENTRA_CLIENT_ID": MARK,
    "ENTRA_CLIENT_SECRET": "",
    "ENTRA_AUTHORITY": f"http://{MARK}.example/common",
    "ENTRA_ALLOWED_TENANTS": MARK,
    "GRAPH_ENDPOINT": f"http://{MARK}.example/v1.0",
    "GRAPH_SCOPES": f"openid {MARK}",
    "GRAPH_OPTIONAL_SCOPES": f"offline_access {MARK}",
    "PUBLIC_URL": f"https://user:{MARK}@mail.example.org",
    "SESSION_STORE": f"AccountName=a;SharedAccessSignature={MARK}",
    "SEALING_KEY": MARK,
    "SEALING_KEY_ID": MARK,
    "SESSION_MAX_AGE": MARK,
    "SESSION_IDLE_TIMEOUT": MARK,
    "SESSION_COOKIE_NAME": f"a cookie {MARK}",
    "LOCAL_CA_FILE": f"/{MARK}",
}
ROUTES = ["/", "/assets/page.js", "/auth/login", "/auth/callback?code=c&state=s", "/auth/me", "/auth/logout"]


def options(settings: Mapping[str, str], *, check: bool = True) -> HostOptions:
    environment = children.bare_environment(os.environ) | dict.fromkeys(WRONG, "") | dict(settings)
    return HostOptions(CLONE, check_settings=check, environment=environment)


def refused(settings: Mapping[str, str]) -> NotStarted:
    """How the host ends that is started with these settings."""
    with pytest.raises(NotStarted) as caught, serve(options(settings)):
        pass
    return caught.value


def test_every_wrong_setting_is_named_at_once_and_no_value_is() -> None:
    ended = refused(WRONG)
    assert ended.exit_code == 2
    assert [name for name in WRONG if name not in str(ended)] == []
    assert MARK not in str(ended)
    assert "Traceback" not in str(ended)


def test_missing_settings_are_named_all_together() -> None:
    ended = refused({})
    assert ended.exit_code == 2
    required = {"ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET", "ENTRA_ALLOWED_TENANTS"}
    required |= {"PUBLIC_URL", "SESSION_STORE", "SEALING_KEY"}
    assert [name for name in required if name not in str(ended)] == []


@pytest.fixture(scope="module")
def unchecked() -> Iterator[RunningHost]:
    """The app as Azure would start it with wrong settings."""
    with serve(options(WRONG, check=False)) as running:
        yield running


def test_an_app_with_wrong_settings_serves_nothing_but_that_it_lives(unchecked: RunningHost) -> None:
    browser = BrowserClient()
    assert browser.fetch(f"{unchecked.url}/health/live").status == 200
    for path in [*ROUTES, "/api/messages", "/api/messages/QQ", "/health/ready"]:
        answer = browser.fetch(unchecked.url + path)
        assert (answer.status, answer.json()["code"]) == (503, "not_configured"), path
        assert answer.header("Cache-Control") == "no-store"
        named = [name for name in WRONG if name in answer.text]
        assert named == (list(WRONG) if path == "/health/ready" else []), path
        page = browser.navigate(unchecked.url + path)
        assert (page.status, page.all("Set-Cookie")) == (503, [])
    answer = browser.fetch(f"{unchecked.url}/auth/logout", "POST")
    assert (answer.status, answer.json()["code"]) == (503, "not_configured")
    assert not any(MARK in one.text for one in browser.seen)


def test_the_faults_are_logged_once_and_without_values(unchecked: RunningHost) -> None:
    browser = BrowserClient()
    for _ in range(3):
        browser.fetch(f"{unchecked.url}/auth/me")
    lines = [line for line in unchecked.log.splitlines() if '"not_configured"' in line]
    assert len(lines) == 1
    assert MARK not in unchecked.log
    assert all(name in lines[0] for name in WRONG)


def test_in_azure_local_settings_are_refused_and_nobody_outside_learns_their_names() -> None:
    azure = WRONG | {
        "WEBSITE_INSTANCE_ID": "1",
        "SESSION_STORE": "UseDevelopmentStorage=true",
        "SEALING_KEY": "A" * 43 + "=",
    }
    assert {"SESSION_STORE", "SEALING_KEY", "LOCAL_CA_FILE"} <= set(str(refused(azure)).replace(",", " ").split())
    with serve(options(azure, check=False)) as running:
        answer = BrowserClient().fetch(f"{running.url}/health/ready")
    assert (answer.status, [name for name in WRONG if name in answer.text]) == (503, [])
