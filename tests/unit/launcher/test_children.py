"""Programs on a leash: none outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.launcher import children
from dev.launcher.children import Child
from dev.launcher.terminal import Stop
from tests.support.processes import all_end, processes

CLONE = Path(__file__).resolve().parents[3]


def child(tmp_path: Path, program: str) -> Child:
    log = tmp_path / "child.log"
    return Child("The program", [sys.executable, "-c", program], log, children.bare_environment(os.environ))


FAMILY = """
import os, subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(600)
"""


def pids(running: Child) -> list[int]:
    return running.wait_until(lambda: [int(word) for word in running.output().split()] or None)


def test_leaving_the_block_ends_the_program_and_all_that_it_started(tmp_path: Path) -> None:
    with child(tmp_path, FAMILY) as running:
        family = pids(running)
        assert set(family) <= {process.pid for process in processes()}
    assert all_end(family)


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True)"
    with child(tmp_path, f"{stubborn}; time.sleep(600)") as running:
        family = pids(running)
    assert all_end(family)


def test_a_program_ends_when_its_holder_is_killed(tmp_path: Path) -> None:
    holder = f"""
import os, pathlib, sys, time
from dev.launcher.children import Child
child = Child("x", [sys.executable, "-c", {FAMILY!r}], pathlib.Path({str(tmp_path / "child.log")!r}), os.environ)
print(child.wait_until(lambda: child.output() if len(child.output().split()) == 2 else None), flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", holder], cwd=CLONE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        family = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    assert all_end(family)


def test_one_that_ends_instead_of_becoming_ready_is_named_with_its_last_lines(tmp_path: Path) -> None:
    with (
        child(tmp_path, "print('no such table'); raise SystemExit(3)") as running,
        pytest.raises(Stop) as problem,
    ):
        running.wait_until(lambda: None)
    text = str(problem.value)
    assert "The program ended by itself, with exit code 3" in text
    assert "no such table" in text
    assert str(tmp_path / "child.log") in text


def test_one_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    with child(tmp_path, "import time; time.sleep(600)") as running, pytest.raises(Stop, match="was not ready"):
        running.wait_until(lambda: None, seconds=0.1)


def test_a_program_that_does_not_exist_is_an_exit_code(tmp_path: Path) -> None:
    environment = children.bare_environment(os.environ)
    with Child("x", ["/nowhere/program"], tmp_path / "log", environment) as running, pytest.raises(Stop, match="127"):
        running.wait_until(lambda: None)


def test_nothing_of_the_persons_environment_configures_a_program() -> None:
    foreign = dict.fromkeys(("HTTPS_PROXY", "SESSION_STORE", "AZURE_CLIENT_ID", "PYTHONPATH"), "x")
    assert children.bare_environment(foreign | {"PATH": "/bin"}) == {"PATH": "/bin"}
