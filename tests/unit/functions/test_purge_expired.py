"""The timer, as the worker calls it."""

from __future__ import annotations

import json
import logging
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

import function_app
from shared import errors
from tests.fakes.site import Site
from tests.fakes.store import UNAVAILABLE


class Run:
    """Runs the timer of an app, and gives back what it wrote."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __call__(self, site: Site) -> list[dict[str, Any]]:
        function_app.services.use(lambda: site.services)
        return self.written()

    def written(self) -> list[dict[str, Any]]:
        self._caplog.clear()
        with self._caplog.at_level(logging.INFO, "drawbridge"):
            timer = function_app.purge_expired.build(func.AuthLevel.ANONYMOUS).get_user_function()
            assert timer(TimerRequest()) is None
        return [json.loads(record.getMessage()) for record in self._caplog.records]


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture) -> Run:
    return Run(caplog)


def test_a_run_says_in_one_line_what_it_deleted(run: Run) -> None:
    site = Site()
    site.signed_in()
    site.clock.advance(site.services.config.session_max_age + 2 * 86400)
    done = run(site)[-1]
    assert (done["event"], done["sessions"]) == ("purged", 1)
    assert "left" not in done
    assert site.store.session_rows() == []


def test_every_run_has_a_trace_of_its_own(run: Run) -> None:
    site = Site()
    traces = [run(site)[-1]["trace"] for _ in range(2)]
    assert len(set(traces)) == 2
    assert all(len(trace) == 32 for trace in traces)


def test_a_table_that_does_not_answer_is_written_down_and_raises_nothing(run: Run) -> None:
    site = Site()
    site.store.script("query", UNAVAILABLE)
    (line,) = run(site)
    assert (line["event"], line["code"]) == ("purge_failed", "storage_unavailable")
    assert run(site)[-1]["event"] == "purged"


def test_what_nobody_foresaw_is_written_down_without_its_text(run: Run) -> None:
    site = Site()

    def stumble() -> None:
        raise ValueError("eyJ0eXAi a token")

    site.store.script("query", stumble)
    (line,) = run(site)
    assert (line["event"], line["exception"]) == ("purge_failed", "ValueError")
    assert "eyJ0eXAi" not in json.dumps(line)


def test_wrong_settings_are_written_down_and_the_schedule_goes_on(run: Run) -> None:
    def refused() -> Any:
        raise errors.NotConfigured(["SEALING_KEY must be 32 random bytes in base64"])

    function_app.services.use(refused)
    assert [line["event"] for line in run.written()] == ["not_configured", "purge_failed"]
    assert [(line["event"], line["code"]) for line in run.written()] == [("purge_failed", "not_configured")]
