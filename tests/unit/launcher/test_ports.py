"""Ports that are free and ports that are taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.launcher import ports, run
from dev.launcher.terminal import Stop


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_taken(taken: int) -> None:
    assert not ports.is_free(taken)


def test_the_next_free_port_that_nobody_was_promised_is_chosen(taken: int) -> None:
    chosen = ports.first_free(taken)
    assert chosen > taken
    assert ports.first_free(taken, [chosen]) > chosen


def test_a_taken_port_for_the_app_is_one_line_with_its_number_and_the_way_out(taken: int) -> None:
    with pytest.raises(Stop) as problem:
        run.choose_ports(taken)
    assert f"Port {taken} is taken" in str(problem.value)
    assert "--port" in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_second_run_of_the_same_clone_is_refused_in_one_line(tmp_path: Path) -> None:
    with run.alone(tmp_path), pytest.raises(Stop, match="running already in this clone"), run.alone(tmp_path):
        pass


def test_every_port_is_another() -> None:
    chosen = run.choose_ports(ports.first_free(27071))
    listed = [chosen.app, chosen.sandbox_http, chosen.sandbox_https, chosen.blobs, chosen.queues, chosen.tables]
    assert len(set(listed)) == 6
