"""Helper processes that take one JSON line and answer with one: the load, the bare work, and Graph's stand-in."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dev.launcher import start
from dev.launcher.terminal import Stop


class Helper:
    """A running helper."""

    def __init__(self, module: str, process: subprocess.Popen[str]) -> None:
        self._module = module
        self._process = process

    def ask(self, question: Mapping[str, Any]) -> Any:
        """Its answer. Raises Stop where it has ended instead; what it printed is on our standard error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Stop(f"{self._module} has ended") from None
        answer = self._process.stdout.readline()
        if not answer:
            raise Stop(f"{self._module} has ended")
        return json.loads(answer)


@contextmanager
def helper(module: str, environment: Mapping[str, str]) -> Iterator[Helper]:
    """`python -m MODULE` until the block ends. It ends when its standard input does, so it cannot outlive us."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=start.ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Helper(module, process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def answer_all(answer: Callable[[dict[str, Any]], Any]) -> None:
    """A helper's side: answer each line of standard input until there are no more."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's event loop where that is installed, as the local host has."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    return loop
