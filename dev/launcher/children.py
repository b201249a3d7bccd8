"""Programs that we start and that never outlive us."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.launcher.terminal import Stop

_BARE = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONUTF8"),
)
_LEASH = str(Path(__file__).with_name("leash.py"))


class Child:
    """A program on a leash, its output in a log file. Leaving the `with` block ends it and all that it started."""

    def __init__(self, name: str, command: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self.started = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._leash = subprocess.Popen(
                [sys.executable, "-I", "-S", _LEASH, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone; we end our children in order
            )

    @property
    def pid(self) -> int:
        """The leash's process id."""
        return self._leash.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._leash.poll()

    def output(self) -> str:
        """All that it has printed so far."""
        return self.log.read_text("utf-8", "replace")

    def last_words(self, count: int = 12) -> str:
        """The end of its log, and where the rest is."""
        lines = "".join(f"\n  {line}" for line in self.output().splitlines()[-count:])
        return f"The last lines of {self.log}:{lines or ' none'}"

    def poll[T](self, ready: Callable[[], T | None], seconds: float = 60) -> T | None:
        """Asks once. Raises Stop where the child has ended, or was started longer ago than it may take."""
        ended = self.exit_code() is not None
        answer = ready()
        if not answer and ended:
            raise Stop(self.obituary())
        if not answer and time.monotonic() - self.started > seconds:
            raise Stop(f"{self.name} was not ready after {seconds:.0f} s. {self.last_words()}")
        return answer

    def wait_until[T](self, ready: Callable[[], T | None], seconds: float = 60) -> T:
        """Asks until the answer is true, and returns it. Raises Stop as `poll` does."""
        while True:
            answer = self.poll(ready, seconds)
            if answer:
                return answer
            time.sleep(0.02)

    def obituary(self) -> str:
        """For the person who must find out why it ended by itself."""
        return f"{self.name} ended by itself, with exit code {self.exit_code()}. {self.last_words()}"

    def stop(self) -> None:
        """Ends it; returns when it has gone."""
        if self._leash.stdin is not None and not self._leash.stdin.closed:
            self._leash.stdin.close()
        self._leash.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def bare_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What any program needs of the person's environment, and nothing that could configure the app or its libraries."""
    return {name: environment[name] for name in _BARE if name in environment}
