"""One JSON object a line: what happened, under a stable name, and never a token, a secret or a query string."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_logger = logging.getLogger("drawbridge")
_trace: ContextVar[str | None] = ContextVar("trace", default=None)


@contextmanager
def traced(trace: str) -> Iterator[None]:
    """Every event of this thread inside the block carries this trace id: one request's, or one timer run's."""
    before = _trace.set(trace)
    try:
        yield
    finally:
        _trace.reset(before)


def trace() -> str:
    """The trace id of the request or run that this thread is in; "" outside of any."""
    return _trace.get() or ""


def event(name: str, level: int = logging.INFO, **fields: str | int | None) -> None:
    """Write one event. JSON escapes every control character, so no value can begin a line of its own."""
    everything = {"event": name, "trace": _trace.get(), **fields}
    _logger.log(level, "%s", json.dumps({key: value for key, value in everything.items() if value is not None}))


def failure(name: str, problem: BaseException, **fields: str | int | None) -> None:
    """Write down somebody else's exception: by class and by the place in the code, never by its text."""
    frame = problem.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
    event(name, logging.ERROR, exception=type(problem).__name__, place=place, **fields)
