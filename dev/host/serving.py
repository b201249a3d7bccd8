"""Starts the local host for a test, in a process of its own: the worker library serves one app per process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.host.options import HostOptions

_CLONE = Path(__file__).resolve().parents[2]
_LISTENING = "Listening on "
_STOP_TIME = 20  # seconds


class NotStarted(Exception):
    """The host ended before it listened; `str` is what it printed, `exit_code` how it ended."""

    def __init__(self, exit_code: int, log: str) -> None:
        super().__init__(log)
        self.exit_code = exit_code


class RunningHost:
    """A started host; its output is collected while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = ""
        self._lines: list[str] = []
        self._address_known = threading.Event()
        self._collector = threading.Thread(target=self._collect, daemon=True)
        self._collector.start()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        """All that host and app have printed so far."""
        return "".join(self._lines)

    def wait_until_listening(self) -> None:
        """Raises NotStarted when the host ends instead."""
        self._address_known.wait()
        if not self.url:
            raise NotStarted(self.process.wait(), self.log)

    def stop(self) -> None:
        """Asks the host to stop, and returns when it and its output have ended."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_TIME)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._collector.join()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            if line.startswith(_LISTENING):
                self.url = line.removeprefix(_LISTENING).strip()
                self._address_known.set()
        self._address_known.set()


@contextmanager
def serve(options: HostOptions) -> Iterator[RunningHost]:
    """Run `python -m dev.host` with exactly the environment of `options` until the block ends. Raises NotStarted."""
    with subprocess.Popen(
        [sys.executable, "-m", "dev.host", *options.arguments()],
        cwd=_CLONE,
        env=dict(options.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        host = RunningHost(process)
        try:
            host.wait_until_listening()
            yield host
        finally:
            host.stop()
