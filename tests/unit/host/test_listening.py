"""Taking the port."""

from __future__ import annotations

import pytest

from dev.host.listening import PortTaken, bind


@pytest.mark.parametrize("count", [1, 2])
def test_a_taken_port_is_known_before_anything_else_starts(count: int) -> None:
    (first,) = bind(0, 1)
    with first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            bind(port, count)


def test_a_host_with_several_processes_keeps_its_port_from_another_host() -> None:
    listeners = bind(0, 2)
    try:
        ports = {listener.getsockname()[1] for listener in listeners}
        assert len(ports) == 1
        with pytest.raises(PortTaken):
            bind(ports.pop(), 2)
    finally:
        for listener in listeners:
            listener.close()
