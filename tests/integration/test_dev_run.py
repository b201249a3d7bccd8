"""`dev run` from start to Ctrl-C, with a folder and ports of its own, so that it may run beside a person's."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.launcher import ports, start
from tests.support.client import BrowserClient
from tests.support.processes import Process, all_end, descendants

READY = re.compile(r"✓ (sandbox|app|Azurite) \d+\.\d s")
PROGRAM = """
import sys
from pathlib import Path
from dev.launcher import run
sys.exit(run.main(["--port", sys.argv[1]], Path(sys.argv[2])))
"""


class Run:
    """A started `dev run`. `lines` are those up to the one that says how to stop it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.url = f"http://localhost:{port}"
        self.lines: list[str] = []

    def read_until_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                return
        pytest.fail("it ended before it was ready:\n" + "\n".join(self.lines))

    def rest(self) -> str:
        """What it still prints until it ends."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def children(self) -> list[Process]:
        return descendants(self.process.pid)

    def ports(self) -> set[int]:
        """Those that its children were told to listen on."""
        commands = " ".join(child.command for child in self.children())
        return {int(port) for port in re.findall(r"-?-\w*-?[pP]ort (\d+)", commands)}


@contextmanager
def dev_run(folder: Path) -> Iterator[Run]:
    port = ports.first_free(27171)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), str(folder)],
        cwd=start.ROOT,
        # Of what a person has set, nothing may reach the app: this would keep it from starting.
        env=dict(os.environ) | {"PYTHONUTF8": "1", "SESSION_MAX_AGE": "nonsense", "GRAPH_ENDPOINT": "nonsense"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        running = Run(process, port)
        try:
            running.read_until_ready()
            yield running
        finally:
            process.kill()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_address_and_a_signal_leaves_no_process_and_no_port(
    tmp_path: Path, number: signal.Signals
) -> None:
    with dev_run(tmp_path) as running:
        parts = [match[1] for line in running.lines if (match := READY.fullmatch(line))]
        assert sorted(parts) == ["Azurite", "app", "sandbox"]
        assert re.findall(r"https?://\S+", "\n".join(running.lines)) == [running.url]
        answer = BrowserClient().navigate(f"{running.url}/health/ready")
        assert (answer.status, answer.json()["status"]) == (200, "ready")
        children, listening = running.children(), running.ports()
        assert len(listening) == 6
        assert all(map(is_open, listening))
        running.process.send_signal(number)
        assert running.rest() == "Stopped.\n"
        assert running.process.wait(20) == 0
        assert not any(map(is_open, listening))
        assert all_end(child.pid for child in children)


def test_killing_it_outright_leaves_nothing_either(tmp_path: Path) -> None:
    with dev_run(tmp_path) as running:
        children, listening = running.children(), running.ports()
        running.process.kill()
        assert all_end(child.pid for child in children)
        assert not any(map(is_open, listening))


@pytest.mark.parametrize(("program", "name"), [("azurite.js", "Azurite"), ("dev.host", "The app")])
def test_a_part_that_dies_is_named_with_its_last_lines_and_the_rest_is_stopped(
    tmp_path: Path, program: str, name: str
) -> None:
    with dev_run(tmp_path) as running:
        children = running.children()
        victim = next(child for child in children if program in child.command and "leash.py" not in child.command)
        os.kill(victim.pid, signal.SIGKILL)
        said = running.rest()
        assert f"{name} ended by itself" in said
        assert str(tmp_path / "logs") in said
        assert "Traceback" not in said
        assert running.process.wait(20) == 1
        assert all_end(child.pid for child in children)
