"""`dev check`: lint, types, the architecture and the documentation; every check runs, whichever fails."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from dev.launcher import start
from dev.launcher.terminal import Progress

PYTEST = ["pytest", "-q", "-o", "cache_dir=.drawbridge/pytest"]
CHECKS = {
    "ruff": ["ruff", "check", "--quiet", "."],
    "mypy": ["mypy", "--no-error-summary"],
    "architecture": [*PYTEST, "tests/architecture"],
    "documentation": [*PYTEST, "tests/documentation"],
}


def main(arguments: list[str]) -> int:
    """0 where every check passes, else 1."""
    argparse.ArgumentParser(prog="python3 dev check", description=__doc__).parse_args(arguments)
    progress = Progress()
    failed = 0
    for name, command in CHECKS.items():
        started = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-P", "-m", *command],
            cwd=start.ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if ended.returncode == 0:
            progress.done(name, time.monotonic() - started)
        else:
            failed = 1
            print(ended.stdout + ended.stderr, end="")
            progress.failed(name, time.monotonic() - started)
    return failed
