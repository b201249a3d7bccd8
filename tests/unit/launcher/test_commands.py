"""`dev test` and `dev check`: what they run."""

from __future__ import annotations

import io

from dev.launcher import check, start, test
from dev.launcher.commands import OURS, PROGRAMS
from dev.launcher.terminal import Progress


def test_every_command_that_help_lists_has_its_module() -> None:
    assert set(start.COMMANDS) == OURS.keys() | PROGRAMS.keys()


def test_all_tests_run_and_arguments_go_on_to_pytest() -> None:
    assert test.needs_browser(["-k", "login"])
    assert test.pytest_arguments(["-k", "login"])[-2:] == ["-k", "login"]
    assert not any("ignore" in argument for argument in test.pytest_arguments([]))


def test_browser_tests_are_left_out_only_where_somebody_says_so() -> None:
    assert not test.needs_browser(["--no-browser", "-x"])
    left = test.pytest_arguments(["--no-browser", "-x"])
    assert "--ignore=tests/browser" in left
    assert "-x" in left
    assert "--no-browser" not in left


def test_a_program_that_is_no_browser_does_not_start() -> None:
    assert not test.starts("/nowhere/chromium")
    assert not test.starts("/bin/false")


def test_every_check_runs_even_after_one_has_failed_and_the_exit_code_tells() -> None:
    ran: list[str] = []

    def run(command: list[str]) -> tuple[int, str]:
        ran.append(command[3])
        return (1, "function_app.py:1: broken\n") if command[3] == "mypy" else (0, "")

    out = io.StringIO()
    assert check.check(Progress(out), run) == 1
    assert ran == ["ruff", "mypy", "pytest", "pytest", "dev.bicep.check"]
    assert "function_app.py:1: broken\nfailed mypy" in out.getvalue()
    assert check.check(Progress(io.StringIO()), lambda command: (0, "")) == 0
