"""A Chromium for the browser tests: one that is here, else one that can be had."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from dev.launcher import environment as installing
from dev.launcher.terminal import Progress, Stop

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

type Answers = Callable[[str], bool]


def find(environment: Mapping[str, str], answers: Answers) -> str | None:
    """CHROMIUM names one; else the search path has one; else Playwright has downloaded one. It must start.

    Raises Stop where CHROMIUM names one that does not start: silently taking another would surprise.
    """
    named = environment.get("CHROMIUM")
    if named:
        if answers(named):
            return named
        raise Stop(f"CHROMIUM names {named}, which does not start; correct it or unset it.")
    return next((found for found in _candidates(environment) if answers(found)), None)


def _candidates(environment: Mapping[str, str]) -> Iterator[str]:
    for name in NAMES:
        found = shutil.which(name, path=environment.get("PATH"))
        if found:
            yield found
    yield from _downloaded(environment)


def _downloaded(environment: Mapping[str, str]) -> Iterator[str]:
    home = Path(environment.get("HOME") or Path.home())
    named = environment.get("PLAYWRIGHT_BROWSERS_PATH")
    for cache in [Path(named)] if named else [home / ".cache/ms-playwright", home / "Library/Caches/ms-playwright"]:
        for pattern in ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*"):
            yield from map(str, sorted(cache.glob(pattern), reverse=True))


def ensure(environment: Mapping[str, str], answers: Answers, progress: Progress, run: installing.Run) -> str:
    """The path of a Chromium that starts, installed if there was none. Raises Stop."""
    found = find(environment, answers)
    if found:
        return found
    for name, commands in _ways():
        with suppress(Stop), progress.step(f"Chromium ({name})", f"installing Chromium for the browser tests: {name}"):
            for command in commands:
                run(command)
            found = find(environment, answers)
            if found is None:
                raise Stop(f"{name} brought none")
            return found
    raise Stop(
        "The browser tests need Chromium, and it could be had neither from Playwright nor from Debian: install one and"
        " name it in CHROMIUM, or leave these tests out with --no-browser. (What was tried is in"
        " .drawbridge/logs/install.log)"
    )


def _ways() -> Iterator[tuple[str, list[list[str]]]]:
    yield "playwright install chromium", [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium", "fonts-liberation"]
        yield "apt-get install chromium", [["apt-get", "update", "-q"], install]
