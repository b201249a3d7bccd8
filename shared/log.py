"""One JSON object a line: what happened, under a stable name, and never a token, a secret or a query string."""

from __future__ import annotations

import json
import logging

_logger = logging.getLogger("drawbridge")


def event(name: str, level: int = logging.INFO, **fields: str | int | None) -> None:
    """Write one event. JSON escapes every control character, so no value can begin a line of its own."""
    known = {key: value for key, value in fields.items() if value is not None}
    _logger.log(level, "%s", json.dumps({"event": name, **known}))


def failure(name: str, problem: BaseException, **fields: str | int | None) -> None:
    """Write down somebody else's exception: by class and by the place in the code, never by its text."""
    frame = problem.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
    event(name, logging.ERROR, exception=type(problem).__name__, place=place, **fields)
