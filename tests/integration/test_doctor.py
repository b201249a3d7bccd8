"""The doctor on the app behind an imitated front end, and on the same app with one thing broken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from dev.doctor.browsing import Answer, Browser
from dev.doctor.deployed import examine
from dev.doctor.verdicts import Verdict

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.support.apps import App, Apps

type Change = Callable[[str, str, Answer], Answer]


@pytest.fixture(scope="module")
def deployed(own_apps: Apps) -> App:
    """The app as Azure's front end shows it."""
    return own_apps.get(https=True, front_end=True)


class Altered(Browser):
    """A browser that meets the app with one thing changed on the way."""

    def __init__(self, ca_file: str, change: Change) -> None:
        super().__init__(ca_file)
        self._change = change

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        if url.startswith("http://localhost"):  # what the front end does with plain http
            return Answer(307, {"location": [url.replace("http:", "https:", 1)]}, "")
        return self._change(method, url, super().send(method, url, headers))


def found(app: App, sandbox: Sandbox, change: Change = lambda method, url, answer: answer) -> dict[str, Verdict]:
    """The verdicts by check."""
    verdicts = examine(app.url, Altered(str(sandbox.ca_file), change))
    return {verdict.check: verdict for verdict in verdicts}


def header(name: str, *values: str) -> Change:
    """Every answer of the app with another value of a header."""
    return lambda method, url, answer: replace(answer, headers={**answer.headers, name: list(values)})


def cookies(old: str, new: str) -> Change:
    """Every cookie with some of its text changed."""

    def change(method: str, url: str, answer: Answer) -> Answer:
        return replace(
            answer, headers={**answer.headers, "set-cookie": [line.replace(old, new) for line in answer.cookies]}
        )

    return change


def at(part: str, **fields: object) -> Change:
    """One address with another answer."""

    def change(method: str, url: str, answer: Answer) -> Answer:
        return replace(answer, **fields) if urlsplit(url).path.endswith(part) else answer  # type: ignore[arg-type]

    return change


def test_the_doctor_finds_nothing_wrong_with_a_deployment_that_works(deployed: App, sandbox: Sandbox) -> None:
    verdicts = found(deployed, sandbox)
    assert [verdict for verdict in verdicts.values() if verdict.level != "ok"] == []
    assert len(verdicts) == 14


BROKEN: dict[str, tuple[str, Change]] = {
    "a_host_without_functions": ("live", at("/health/live", status=404, body="")),
    "wrong_settings": ("ready", at("/health/ready", status=503, body='{"code": "not_configured"}')),
    "a_grant_that_is_missing": ("ready", at("/health/ready", status=503, body='{"code": "storage_unavailable"}')),
    "a_login_that_fails": ("sign-in", at("/auth/login", status=503, body='{"code": "entra_unavailable"}')),
    "an_address_that_is_not_registered": ("registration", at("/authorize", body="<p>AADSTS50011: no match</p>")),
    "a_cookie_with_an_empty_domain": ("cookie", cookies("path=/", "domain=; path=/")),
    "a_cookie_that_scripts_can_read": ("cookie", cookies("; httponly", "")),
    "a_session_cookie_with_a_domain": ("session cookie", cookies("samesite=strict", "samesite=strict; domain=x")),
    "a_page_that_is_cached": ("headers of the page", header("cache-control", "public")),
    "the_hosts_own_home_page": ("page", at("/", status=200, body="<title>Your Functions app is up</title>")),
    "an_api_that_redirects": ("api", at("/api/messages", status=302, body="")),
    "other_origins": ("cors", header("access-control-allow-origin", "*")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_doctor_tells_and_says_how_to_mend(name: str, deployed: App, sandbox: Sandbox) -> None:
    check, change = BROKEN[name]
    verdict = found(deployed, sandbox, change)[check]
    assert verdict.level == "wrong"
    assert verdict.fix


def test_the_doctor_sees_an_app_that_believes_to_be_elsewhere(own_apps: Apps) -> None:
    app = own_apps.get(PUBLIC_URL="http://localhost:9")
    verdicts = {verdict.check: verdict for verdict in examine(app.url, Browser())}
    assert verdicts["redirect URI"].level == "wrong"
    assert "PUBLIC_URL" in verdicts["redirect URI"].fix
    assert "AADSTS50011" in verdicts["registration"].reason
    assert "register exactly this redirect URI" in verdicts["registration"].fix


def test_the_command_prints_json_and_ends_with_the_worst_verdict() -> None:
    command = [sys.executable, "-m", "dev.doctor", "--url", "https://localhost:9", "--format", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    [verdict] = json.loads(ended.stdout)
    assert verdict["check"] == "reachable"
    assert verdict["fix"]
