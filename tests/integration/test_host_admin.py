"""The host's endpoints under /admin: azure-functions-host HostController.cs, FunctionsController.cs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.host.serving import RunningHost, serve
from tests.integration.host_wire import ask, options


@pytest.fixture(scope="module")
def runs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("timer") / "run.json"


@pytest.fixture(scope="module")
def host(runs_file: Path) -> Iterator[RunningHost]:
    with serve(options("timer", environment={"RUNS_FILE": str(runs_file)})) as running:
        yield running


def test_a_timer_runs_when_asked_to(host: RunningHost, runs_file: Path) -> None:
    """202 at once, the run is not awaited; azure-webjobs-sdk-extensions TimerInfo.cs: by hand it is never past due."""
    answer = ask(host.port, "/admin/functions/NIGHTLY", method="POST", body=b'{"input": "ignored"}')
    assert (answer.status, answer.content) == (202, b"")
    deadline = time.monotonic() + 10
    while not runs_file.exists():
        assert time.monotonic() < deadline, host.log
        time.sleep(0.01)
    run = json.loads(runs_file.read_text(encoding="utf-8"))
    assert run == {"past_due": False, "schedule": {"AdjustForDST": True}, "schedule_status": {}}


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("nightly", b"", 400),
        ("nightly", b"{", 400),
        ("nightly", b"[]", 400),
        ("nobody", b"{}", 404),
        ("page", b"{}", 400),
    ],
)
def test_what_is_no_invocation_of_a_timer_is_refused(host: RunningHost, name: str, body: bytes, status: int) -> None:
    answer = ask(host.port, f"/admin/functions/{name}", method="POST", body=body)
    assert (answer.status, answer.content) == (status, b"")


@pytest.mark.parametrize(
    "headers",
    [["Host: evil.example"], ["Origin: https://evil.example"], ["Origin: null"], ["Host: ["], ["Origin: http://["]],
)
def test_a_web_page_from_elsewhere_cannot_run_a_timer(host: RunningHost, headers: list[str]) -> None:
    """In Azure the master key is asked for; here nobody has one, so where the request comes from decides."""
    assert ask(host.port, "/admin/functions/nightly", *headers, method="POST", body=b"{}").status == 401


def test_a_page_of_the_host_itself_may(host: RunningHost) -> None:
    origin = f"Origin: http://localhost:{host.port}"
    assert ask(host.port, "/admin/functions/nightly", origin, method="POST", body=b"{}").status == 202


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_ping_answers(host: RunningHost, method: str) -> None:
    answer = ask(host.port, "/admin/host/ping", method=method)
    assert (answer.status, answer.content) == (200, b"")


def test_an_admin_path_that_nobody_claims_falls_through_to_the_functions(host: RunningHost) -> None:
    """WebJobsApplicationBuilderExtension.cs: controllers first, then function routes."""
    assert ask(host.port, "/admin/unclaimed").content == b"everything"
    assert ask(host.port, "/admin/functions/nightly").content == b"everything"
