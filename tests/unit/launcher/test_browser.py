"""Finding or installing Chromium: nothing is really installed."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from dev.launcher import browser
from dev.launcher.terminal import Progress, Stop


def program(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o755)
    return str(file)


def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}


def test_the_one_that_chromium_names_comes_first(tmp_path: Path) -> None:
    program(tmp_path / "bin/chromium")
    named = environment(tmp_path) | {"CHROMIUM": "/opt/chromium"}
    assert browser.find(named, lambda path: True) == "/opt/chromium"


def test_a_named_one_that_does_not_start_is_an_error_rather_than_another_browser(tmp_path: Path) -> None:
    program(tmp_path / "bin/chromium")
    named = environment(tmp_path) | {"CHROMIUM": "/opt/chromium"}
    with pytest.raises(Stop, match="/opt/chromium"):
        browser.find(named, lambda path: path != "/opt/chromium")


@pytest.mark.parametrize("name", browser.NAMES)
def test_one_on_the_search_path_is_found(tmp_path: Path, name: str) -> None:
    found = program(tmp_path / "bin" / name)
    assert browser.find(environment(tmp_path), lambda path: True) == found


def test_one_that_is_there_but_does_not_start_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin/chromium")
    google = program(tmp_path / "bin/google-chrome")
    assert browser.find(environment(tmp_path), lambda path: path == google) == google


def test_the_newest_that_playwright_downloaded_is_found(tmp_path: Path) -> None:
    for number in (1100, 1200):
        program(tmp_path / f".cache/ms-playwright/chromium-{number}/chrome-linux/chrome")
    found = browser.find(environment(tmp_path), lambda path: True)
    assert found is not None
    assert "chromium-1200" in found


def test_one_is_installed_where_there_is_none(tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        program(tmp_path / ".cache/ms-playwright/chromium-1/chrome-linux/chrome")
        return subprocess.CompletedProcess(command, 0, "", "")

    found = browser.ensure(environment(tmp_path), lambda path: True, Progress(io.StringIO()), run)
    assert "ms-playwright" in found
    assert commands[0][1:] == ["-m", "playwright", "install", "chromium"]


def test_where_none_can_be_had_it_fails_and_names_the_ways_out(tmp_path: Path) -> None:
    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "no network")

    said = io.StringIO()
    with pytest.raises(Stop) as problem:
        browser.ensure(environment(tmp_path), lambda path: True, Progress(said), run)
    assert "failed Chromium (playwright install chromium)" in said.getvalue()
    assert "--no-browser" in str(problem.value)
    assert "CHROMIUM" in str(problem.value)
    assert "\n" not in str(problem.value)
