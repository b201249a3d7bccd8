"""What a caller sends neither forges a log line nor lands in one."""

from __future__ import annotations

import json
import logging
import re

import pytest

from tests.fakes.site import FETCH, Site


@pytest.mark.parametrize(
    "traceparent",
    [
        "00-" + "a" * 32 + "-" + "b" * 16 + "-01\r\nSet-Cookie: x=y",
        "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "A" * 32 + "-" + "b" * 16 + "-01",
        "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "\x1b[31m",
        "x" * 8192,
        "",
    ],
)
def test_a_bad_traceparent_is_replaced(traceparent: str) -> None:
    given = Site().ask("GET", "/health/live", {"traceparent": traceparent}).header("traceparent") or ""
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", given)
    assert "a" * 32 not in given
    assert "0" * 32 not in given


def test_a_good_traceparent_is_kept_so_that_logs_can_be_joined() -> None:
    sent = "00-" + "a1" * 16 + "-" + "b" * 16 + "-01"
    answer = Site().ask("GET", "/auth/me", {**FETCH, "traceparent": sent})
    assert answer.json()["instance"] == "urn:trace:" + "a1" * 16
    own = answer.header("traceparent") or ""
    assert own.startswith("00-" + "a1" * 16)
    assert own != sent


@pytest.mark.parametrize("forged", ['x\r\n{"event":"signed_in"}', "\x1b[2J", "\u2028x", "\x00", "x" * 8192])
def test_log_lines_cannot_be_forged(forged: str, caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    browser = site.browser()
    with caplog.at_level(logging.DEBUG, "drawbridge"):
        callback = browser.callback(browser.login())
        site.entra.claims = {"oid": forged}
        browser.navigate(callback, user_agent=forged, traceparent=forged)
        browser.navigate("/auth/callback", x_request_id=forged)
    lines = [record.getMessage() for record in caplog.records if record.name == "drawbridge"]
    assert lines
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        assert isinstance(json.loads(line)["event"], str)
        assert len(line) < 1000


def test_every_line_of_a_request_carries_the_trace_that_its_answer_names(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    browser = site.browser()
    callback = browser.callback(browser.login())
    site.entra.claims = {"aud": "somebody-else"}
    with caplog.at_level(logging.DEBUG, "drawbridge"):
        answer = browser.navigate(callback)
    traces = {json.loads(record.getMessage())["trace"] for record in caplog.records if record.name == "drawbridge"}
    (trace,) = traces
    assert len(caplog.records) > 1
    assert (answer.header("traceparent") or "").startswith(f"00-{trace}-")
    assert trace in answer.text


def test_a_query_never_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    browser = site.browser()
    with caplog.at_level(logging.DEBUG):
        callback = browser.callback(browser.login())
        browser.navigate(callback)
        browser.fetch("/api/messages?cursor=canary-of-a-cursor")
        browser.navigate("/auth/callback?code=canary-of-a-code&state=canary-of-a-state")
    state = callback.partition("state=")[2]
    assert "canary" not in caplog.text
    assert state not in caplog.text
    assert "code-0" not in caplog.text
