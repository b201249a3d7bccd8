"""Making the environment: a recording runner stands for Python, pip and npm."""

from __future__ import annotations

import io
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.launcher import environment, start
from dev.launcher.terminal import Progress, Stop


class Runner:
    """Plays `python -m venv` by making the folders, and everything else by what `answer` says."""

    def __init__(self, answer: Callable[[list[str]], tuple[int, str]] = lambda command: (0, "")) -> None:
        self.answer = answer
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            for folder in ("bin", "lib/python3.13/site-packages", "lib/python3.14/site-packages"):
                Path(command[3], folder).mkdir(parents=True)
            Path(command[3], "bin/python").touch()
        code, text = self.answer(command)
        return subprocess.CompletedProcess(command, code, "", text)


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/requirements.txt").write_text("msal==1.39.0 --hash=sha256:00\n")
    return str(tmp_path)


def quiet() -> Progress:
    return Progress(io.StringIO())


def test_what_is_installed_is_exactly_the_lock_with_its_hashes_and_nothing_is_built(root: str) -> None:
    runner = Runner()
    environment.install(root, quiet(), runner)
    pip = next(command for command in runner.commands if "pip" in command)
    for option in ("--require-hashes", "--only-binary", "--no-input"):
        assert option in pip
    assert pip[-1] == start.lock_file(root)
    assert start.is_installed(root)


def test_byte_code_is_made_whatever_the_environment_says(root: str) -> None:
    runner = Runner()
    environment.install(root, quiet(), runner)
    assert any("compileall" in command for command in runner.commands)


def test_an_interrupted_installation_is_not_taken_for_complete_and_starts_over(root: str) -> None:
    def interrupted(command: list[str]) -> tuple[int, str]:
        if "pip" in command:
            raise KeyboardInterrupt
        return 0, ""

    with pytest.raises(KeyboardInterrupt):
        environment.install(root, quiet(), Runner(interrupted))
    assert not start.is_installed(root)
    left_behind = Path(start.venv(root), "lib/python3.13/site-packages/half.py")
    left_behind.touch()
    environment.install(root, quiet(), Runner())
    assert start.is_installed(root)
    assert not left_behind.exists()


def test_a_changed_lock_a_moved_clone_and_a_vanished_python_each_need_a_new_environment(
    root: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment.install(root, quiet(), Runner())
    moved = str(tmp_path_factory.mktemp("elsewhere") / "clone")
    shutil.copytree(root, moved)
    assert not start.is_installed(moved)
    Path(start.lock_file(root)).write_text("msal==1.40.0 --hash=sha256:01\n")
    assert not start.is_installed(root)
    environment.install(root, quiet(), Runner())
    Path(start.venv_python(root)).unlink()
    Path(start.venv_python(root)).symlink_to("/nowhere/python3.13")
    assert not start.is_installed(root)


@pytest.mark.parametrize(
    "said",
    [
        "WARNING: Retrying ... Failed to establish a new connection: [Errno 101] Network is unreachable'",
        "NameResolutionError: Failed to resolve 'files.example' ([Errno -3] Temporary failure in name resolution)",
        "npm error code ENOTFOUND\nnpm error network request to ... failed",
    ],
)
def test_without_network_one_line_says_so(root: str, said: str) -> None:
    with pytest.raises(Stop) as problem:
        environment.install(root, quiet(), Runner(lambda command: (1, said) if "pip" in command else (0, "")))
    assert "no network" in str(problem.value)
    assert "\n" not in str(problem.value)
    assert not start.is_installed(root)


def test_any_other_failure_is_its_last_line_and_where_the_rest_is(root: str) -> None:
    said = "ERROR: one\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n"
    with pytest.raises(Stop) as problem:
        environment.install(root, quiet(), Runner(lambda command: (1, said) if "pip" in command else (0, "")))
    assert "DO NOT MATCH THE HASHES" in str(problem.value)
    assert "install.log" in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_second_start_waits_while_the_first_one_installs(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with environment.locked(tmp_path):
            order.append("second")

    with environment.locked(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
