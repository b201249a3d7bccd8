"""`dev test`: every test, with pytest; arguments go on to pytest."""

from __future__ import annotations

import os
import subprocess

from dev.azurite import node
from dev.launcher import browser, commands, environment, start
from dev.launcher.terminal import Progress

BROWSER_TESTS = "tests/browser"
CACHE = "cache_dir=.drawbridge/pytest"


def main(arguments: list[str]) -> int:
    """Goes on as pytest, so that its last line is ours. Raises Stop where the tests miss something."""
    progress = Progress()
    node.ensure(progress)
    os.chdir(start.ROOT)
    if needs_browser(arguments):
        os.environ["DRAWBRIDGE_CHROMIUM"] = browser.ensure(os.environ, starts, progress, environment.run_logged)
    return commands.become("pytest", pytest_arguments(arguments))


def needs_browser(arguments: list[str]) -> bool:
    """A person has to say that the browser tests are left out; a machine without a browser does not decide it."""
    return "--no-browser" not in arguments


def pytest_arguments(arguments: list[str]) -> list[str]:
    """What pytest is told."""
    if needs_browser(arguments):
        return ["-o", CACHE, *arguments]
    kept = [argument for argument in arguments if argument != "--no-browser"]
    return ["-o", CACHE, f"--ignore={BROWSER_TESTS}", *kept]


def starts(program: str) -> bool:
    """Whether the browser runs here at all: a package may be there without the libraries it needs."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0
