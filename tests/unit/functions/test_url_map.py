"""The URL map as the host is told it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import FunctionBuilder

import function_app
from shared import purge, token_store
from tests.fakes.site import NAVIGATION, Site, routes

ROOT = Path(__file__).resolve().parents[3]


def triggers() -> list[Any]:
    builders = [builder for builder in vars(function_app).values() if isinstance(builder, FunctionBuilder)]
    return [builder.build(func.AuthLevel.ANONYMOUS).get_trigger() for builder in builders]


def test_the_map_is_exactly_this() -> None:
    assert sorted(routes()) == [
        ("DELETE", "auth/sessions"),
        ("DELETE", "auth/sessions/{number}"),
        ("DELETE", "graph/v1.0/{*path}"),
        ("GET", "api/events"),
        ("GET", "api/folders"),
        ("GET", "api/messages"),
        ("GET", "api/messages/{id}"),
        ("GET", "api/messages/{id}/attachments"),
        ("GET", "api/messages/{id}/attachments/{attachment_id}"),
        ("GET", "api/messages/{id}/body"),
        ("GET", "assets/{name}"),
        ("GET", "auth/callback"),
        ("GET", "auth/front-channel-logout"),
        ("GET", "auth/login"),
        ("GET", "auth/logout"),
        ("GET", "auth/me"),
        ("GET", "auth/sessions"),
        ("GET", "graph/v1.0/{*path}"),
        ("GET", "health/live"),
        ("GET", "health/ready"),
        ("GET", "{ignored:maxlength(0)?}"),
        ("HEAD", "assets/{name}"),
        ("HEAD", "auth/callback"),
        ("HEAD", "health/live"),
        ("HEAD", "health/ready"),
        ("HEAD", "{ignored:maxlength(0)?}"),
        ("PATCH", "api/messages/{id}"),
        ("PATCH", "graph/v1.0/{*path}"),
        ("POST", "auth/logout"),
        ("POST", "graph/v1.0/{*path}"),
    ]


def test_no_function_asks_for_a_key_of_the_hosts() -> None:
    levels = [str(trigger.auth_level) for trigger in triggers() if trigger.type == "httpTrigger"]
    assert len(levels) == 22
    assert set(levels) == {str(func.AuthLevel.ANONYMOUS)}


def test_one_timer_runs_every_hour_and_its_run_is_shorter_than_the_host_allows() -> None:
    (timer,) = [trigger for trigger in triggers() if trigger.type != "httpTrigger"]
    assert (timer.type, timer.schedule) == ("timerTrigger", "0 17 * * * *")
    hours, minutes, seconds = map(int, json.loads((ROOT / "host.json").read_text())["functionTimeout"].split(":"))
    allowed = hours * 3600 + minutes * 60 + seconds
    assert allowed >= purge.RUN_SECONDS + purge.KEYS_SECONDS + 2 * token_store.SECONDS


def test_routes_have_no_prefix_but_their_own() -> None:
    assert json.loads((ROOT / "host.json").read_text())["extensions"]["http"]["routePrefix"] == ""


@pytest.mark.parametrize(
    ("query", "headers"), [("code=0.AX_x&state=y", {}), ("code=y", {"x-functions-key": "z"}), ("code=y&state=", {})]
)
def test_a_code_in_the_query_is_ours_and_no_key_of_the_hosts(query: str, headers: dict[str, str]) -> None:
    answer = Site().ask("GET", "/auth/callback?" + query, {**NAVIGATION, **headers})
    assert answer.status == 400
    assert answer.code in ("sign_in_expired", "invalid_request")
    assert answer.header("Content-Security-Policy")


def test_importing_the_map_needs_no_setting_and_opens_no_library_that_a_request_may_not_need() -> None:
    program = (
        "import sys, function_app;"
        "heavy = {'msal', 'azure.data.tables', 'azure.identity', 'azure.keyvault'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
