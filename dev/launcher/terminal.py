"""What the person sees: one line per step with its time, rewritten in place on a terminal, plain elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Stop(Exception):
    """A command cannot go on. The text says why in one line, and what to do."""


class Progress:
    """Prints steps to a stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._terminal = self._stream.isatty()
        encoding = (self._stream.encoding or "ascii").lower()
        self._done, self._failed, self._busy = ("✓", "✗", "…") if encoding.startswith("utf") else ("ok", "failed", "..")

    @contextmanager
    def step(self, name: str, doing: str = "") -> Iterator[None]:
        """One step: `✓ name 0.9 s` when it has ended. A step that takes long says first what it is `doing`."""
        started = time.monotonic()
        if self._terminal:
            self._print(f"{self._busy} {doing or name}", end="")
        elif doing:
            self._print(f"{self._busy} {doing}")
        try:
            yield
        except BaseException:
            self._end(self._failed, name, time.monotonic() - started)
            raise
        self._end(self._done, name, time.monotonic() - started)

    def done(self, name: str, seconds: float) -> None:
        """A step that was measured elsewhere."""
        self._end(self._done, name, seconds)

    def failed(self, name: str, seconds: float) -> None:
        """The same for one that failed."""
        self._end(self._failed, name, seconds)

    def say(self, text: str) -> None:
        """A line of its own."""
        self._print(text)

    def _end(self, mark: str, name: str, seconds: float) -> None:
        self._print(f"{'\r\x1b[K' if self._terminal else ''}{mark} {name} {seconds:.1f} s")

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._stream, flush=True)
