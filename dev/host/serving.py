"""Starts the local host for a test, in a process of its own: the worker library serves one app per process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.host.options import HostOptions

_CLONE = Path(__file__).resolve().parents[2]
_LISTENING = "Listening on "


class NotStarted(Exception):
    """The host ended before it listened; `str` is what it printed, `exit_code` how it ended."""

    def __init__(self, exit_code: int, log: str) -> None:
        super().__init__(log)
        self.exit_code = exit_code


@dataclass(slots=True)
class RunningHost:
    """`url` has no trailing slash; `log` grows while the host runs."""

    process: subprocess.Popen[str]
    url: str = ""
    _lines: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        """All that host and app have printed so far."""
        return "".join(self._lines)

    def wait_until_listening(self) -> bool:
        """Collects output until the line that tells the address; False when the output ended before it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            if line.startswith(_LISTENING):
                self.url = line.removeprefix(_LISTENING).strip()
                return True
        return False

    def collect(self) -> None:
        """Collects output until it ends."""
        assert self.process.stdout is not None
        self._lines.extend(self.process.stdout)


@contextmanager
def serve(options: HostOptions) -> Iterator[RunningHost]:
    """Run `python -m dev.host` with exactly the environment of `options` until the block ends. Raises NotStarted."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dev.host", *options.arguments()],
        cwd=_CLONE,
        env=dict(options.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    host = RunningHost(process)
    with process:
        try:
            if not host.wait_until_listening():
                raise NotStarted(process.wait(), host.log)
            collector = threading.Thread(target=host.collect, daemon=True)
            collector.start()
            yield host
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        collector.join()
