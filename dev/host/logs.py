"""Logging of host and app: to stderr, one line per record, a stack below it indented."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping


class OneLine(logging.Formatter):
    """A message's own line breaks are escaped, so that no text from outside can imitate a record."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")

    def format(self, record: logging.LogRecord) -> str:
        first, *stack = super().format(record).split("\n")
        stack += getattr(record, "stack", "").rstrip().split("\n") if getattr(record, "stack", "") else []
        return "\n".join([first, *(f"    {line}" for line in stack)])


def configure(environment: Mapping[str, str]) -> None:
    """Send everything from INFO on to stderr.

    PYTHON_ENABLE_DEBUG_LOGGING, the platform's own setting, shows each invocation too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    debugging = environment.get("PYTHON_ENABLE_DEBUG_LOGGING", "").lower() in ("1", "true", "t", "yes", "y")
    logging.basicConfig(handlers=[handler], level=logging.DEBUG if debugging else logging.INFO, force=True)
    logging.getLogger("azure.functions").setLevel(
        logging.DEBUG if debugging else logging.WARNING
    )  # the worker's line per invocation
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
