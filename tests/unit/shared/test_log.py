from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import log

FORGERIES = [
    'x"}\n{"event": "signed_out"}',
    "a\r\nb",
    "\x1b[2J\x1b[31mred",
    "\x00\x07\x08\x7f",
    "\u2028next line\u2029next paragraph\x85next",
    "\u202egnp.exe",
    "\ud800 alone",
    "x" * 8192,
]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "drawbridge")
    return caplog


@pytest.mark.parametrize("value", FORGERIES, ids=range(len(FORGERIES)))
def test_no_value_can_begin_a_line_of_its_own_or_steer_a_terminal(lines: pytest.LogCaptureFixture, value: str) -> None:
    log.event("refused", reason=value)
    (message,) = lines.messages
    assert message.isascii()
    assert all(" " <= character <= "\x7f" for character in message)
    assert message.splitlines() == [message]
    assert json.loads(message) == {"event": "refused", "reason": value}


def test_what_looks_like_a_format_stays_as_it_is(lines: pytest.LogCaptureFixture) -> None:
    log.event("refused", reason="%s %(name)s {0} %d")
    assert json.loads(lines.messages[0])["reason"] == "%s %(name)s {0} %d"


def test_a_field_without_a_value_is_left_out(lines: pytest.LogCaptureFixture) -> None:
    log.event("refused", reason=None, status=0)
    assert json.loads(lines.messages[0]) == {"event": "refused", "status": 0}


def fail(text: str) -> None:
    raise ValueError(text)


def test_an_exception_is_written_by_class_and_place_and_never_by_its_text(lines: pytest.LogCaptureFixture) -> None:
    try:
        fail("a token: eyJ0eXAi")
    except ValueError as problem:
        log.failure("broken", problem, trace="0af7")
    (record,) = lines.records
    written = json.loads(record.getMessage())
    assert written.pop("place").startswith("fail:")
    assert written == {"event": "broken", "exception": "ValueError", "trace": "0af7"}
    assert record.levelno == logging.ERROR
    assert record.exc_info is None
    assert "eyJ0eXAi" not in lines.text


def test_an_exception_that_was_never_raised_has_no_place(lines: pytest.LogCaptureFixture) -> None:
    log.failure("broken", ValueError("x"))
    assert json.loads(lines.messages[0])["place"] == ""


def test_a_trace_is_on_every_line_of_its_block_and_on_no_other(lines: pytest.LogCaptureFixture) -> None:
    log.event("before")
    with log.traced("0af7"):
        log.event("inside")
        with log.traced("1b08"):
            log.event("deeper")
        log.failure("outside_again", ValueError())
    log.event("after")
    traces = [json.loads(message).get("trace") for message in lines.messages]
    assert traces == [None, "0af7", "1b08", "0af7", None]


def test_threads_do_not_share_a_trace(lines: pytest.LogCaptureFixture) -> None:
    with log.traced("0af7"), ThreadPoolExecutor(1) as other:
        other.submit(log.event, "elsewhere").result()
    assert "trace" not in json.loads(lines.messages[0])


def test_a_trace_ends_with_what_its_block_raises(lines: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError), log.traced("0af7"):
        fail("x")
    assert log.trace() == ""
