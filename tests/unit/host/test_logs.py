"""The host's log: no text from outside can imitate a record."""

from __future__ import annotations

import logging
import sys

from dev.host.logs import OneLine


def test_a_record_is_one_line_whatever_it_says() -> None:
    record = logging.LogRecord("app", logging.INFO, "", 0, "a\nERROR b\r%s", ("c\n",), None)
    line = OneLine().format(record)
    assert line.endswith(r"Z INFO app: a\nERROR b\rc\n")
    assert "\n" not in line


def test_a_stack_stands_below_indented() -> None:
    try:
        raise ValueError("x\nERROR y")
    except ValueError:
        record = logging.LogRecord("app", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    first, *stack = OneLine().format(record).split("\n")
    assert first.endswith("ERROR app: failed")
    assert stack[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in stack)
    assert stack[-1] == "    ERROR y"
