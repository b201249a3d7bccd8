"""What runs before Python 3.13 has been found must run under older ones."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from dev.launcher import start
from tests.architecture.rules import imports

DEV = Path(__file__).resolve().parents[3] / "dev"
EARLY = ("__init__.py", "__main__.py", "launcher/__init__.py", "launcher/start.py", "launcher/pythons.py")
# Reached only once the right Python runs.
LATE = {"dev.launcher.commands", "dev.launcher.environment"}


@pytest.mark.parametrize("name", EARLY)
def test_its_syntax_is_that_of_python_3_6(name: str) -> None:
    ast.parse((DEV / name).read_text("utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("name", EARLY)
def test_it_imports_nothing_that_would_need_an_environment(name: str) -> None:
    early = {"dev.launcher.start.main", "dev.launcher.pythons"}
    names = {found.name for found in imports((DEV / name).read_text("utf-8"))}
    ours = {found for found in names if found.startswith("dev")}
    assert ours <= early | LATE
    assert {found.split(".")[0] for found in names - ours} <= sys.stdlib_module_names


def dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command as a person would, from another folder."""
    return subprocess.run(
        [sys.executable, str(DEV), *arguments], cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_an_unknown_command_is_refused_in_one_line() -> None:
    answer = dev("walk")
    assert answer.returncode == 2
    assert answer.stderr == f"There is no command 'walk'; there are {', '.join(start.COMMANDS)}.\n"


def test_help_lists_the_commands() -> None:
    answer = dev("--help")
    assert answer.returncode == 0
    assert "python3 dev COMMAND" in answer.stdout
