"""`dev check`: lint, types, architecture, documentation and templates; every check runs, whichever fails."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

from dev.launcher import start
from dev.launcher.terminal import Progress
from dev.launcher.test import CACHE

CHECKS = {
    "ruff": ["ruff", "check", "--quiet", "."],
    "mypy": ["mypy", "--no-error-summary"],
    "architecture": ["pytest", "-q", "-o", CACHE, "tests/architecture"],
    "documentation": ["pytest", "-q", "-o", CACHE, "tests/documentation"],
    "infrastructure": ["dev.bicep.check"],
}

type Run = Callable[[list[str]], tuple[int, str]]


def main(arguments: list[str]) -> int:
    """0 where every check passes, else 1."""
    argparse.ArgumentParser(prog="python3 dev check", description="Lint, types, rules.").parse_args(arguments)
    return check(Progress(), run)


def check(progress: Progress, run: Run) -> int:
    """Runs all of them; what a failed one said comes before its line."""
    failed = 0
    for name, command in CHECKS.items():
        started = time.monotonic()
        code, said = run([sys.executable, "-P", "-m", *command])
        if code == 0:
            progress.done(name, time.monotonic() - started)
        else:
            failed = 1
            progress.say(said.rstrip("\n"))
            progress.failed(name, time.monotonic() - started)
    return failed


def run(command: list[str]) -> tuple[int, str]:
    """Exit code and output."""
    ended = subprocess.run(
        command,
        cwd=start.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    return ended.returncode, ended.stdout
