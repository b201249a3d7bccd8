"""`dev test`: every test, with pytest; arguments go on to pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dev.azurite import node
from dev.launcher import browser, environment, start
from dev.launcher.terminal import Progress

BROWSER_TESTS = "tests/browser"


def main(arguments: list[str]) -> int:
    """pytest's exit code. Raises Stop where something that the tests need cannot be had."""
    progress = Progress()
    without_browser = "--no-browser" in arguments
    passed_on = [argument for argument in arguments if argument != "--no-browser"]
    node.ensure(progress)
    variables = dict(os.environ)
    if without_browser:
        passed_on.append(f"--ignore={BROWSER_TESTS}")
    else:
        chromium = browser.ensure(os.environ, starts, progress, environment.run_logged)
        variables["DRAWBRIDGE_CHROMIUM"] = chromium
    cache = Path(".drawbridge", "pytest")
    command = [sys.executable, "-P", "-m", "pytest", "-o", f"cache_dir={cache}", *passed_on]
    return subprocess.run(command, cwd=start.ROOT, env=variables, check=False).returncode


def starts(program: str) -> bool:
    """Whether the browser runs here at all: a package may be there without the libraries it needs."""
    try:
        answer = subprocess.run([program, browser.RUNS], capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0
