"""Finding Node and installing Azurite."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from dev.azurite import node
from dev.launcher.terminal import Progress, Stop


@pytest.fixture
def path(tmp_path: Path) -> str:
    for name in ("node", "npm"):
        (tmp_path / name).touch(mode=0o755)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("version", "taken"),
    [("v22.0.0", True), ("v24.19.0", True), ("v100.1.0", True), ("v20.20.2", False), ("v9.1.0", False), (None, False)],
)
def test_the_machines_node_is_taken_from_22_on(path: str, version: str | None, taken: bool) -> None:
    assert (node.on_machine(path, lambda program: version) is not None) == taken


def test_a_node_without_npm_is_not_taken(path: str) -> None:
    Path(path, "npm").unlink()
    assert node.on_machine(path, lambda program: "v24.0.0") is None


def test_a_machine_without_node_has_none(tmp_path: Path) -> None:
    assert node.on_machine(str(tmp_path)) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [("NewConnectionError", "no network"), ("ERROR: No matching distribution found for nodejs", "No matching")],
)
def test_where_no_node_can_be_had_one_line_says_which_is_needed_and_why_none_came(said: str, reason: str) -> None:
    with pytest.raises(Stop) as problem:
        node.from_wheel(Progress(io.StringIO()), lambda command: subprocess.CompletedProcess(command, 1, "", said))
    text = str(problem.value)
    assert "Azurite needs Node 22 or later" in text
    assert reason in text
    assert "\n" not in text


def test_azurite_is_installed_once_from_its_lock_without_scripts(tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    for _ in range(2):
        node.install(node.Node(Path("node"), ["npm"]), tmp_path / "node", Progress(io.StringIO()), run)
    assert len(commands) == 1
    assert commands[0][:3] == ["npm", "ci", "--ignore-scripts"]
    assert (tmp_path / "node/package-lock.json").exists()


def test_an_installation_of_azurite_that_failed_is_tried_again(tmp_path: Path) -> None:
    codes = iter((1, 0))

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, next(codes), "", "npm error code EAI_AGAIN")

    installation = (node.Node(Path("node"), ["npm"]), tmp_path / "node", Progress(io.StringIO()), run)
    with pytest.raises(Stop, match="no network"):
        node.install(*installation)
    node.install(*installation)
    assert next(codes, None) is None
