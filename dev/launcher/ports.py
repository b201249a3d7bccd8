"""Ports on the loopback address."""

from __future__ import annotations

import socket
from collections.abc import Iterable


def is_free(port: int) -> bool:
    """Whether a server could listen there now: neither on 127.0.0.1 nor on ::1 does anybody else."""
    return all(_binds(family, address, port) for family, address in _loopback())


def first_free(wanted: int, taken: Iterable[int] = ()) -> int:
    """`wanted`, or the next port after it that is free and not already promised to another."""
    promised = set(taken)
    return next(port for port in range(wanted, 65536) if port not in promised and is_free(port))


def _loopback() -> Iterable[tuple[socket.AddressFamily, str]]:
    yield socket.AF_INET, "127.0.0.1"
    if socket.has_ipv6 and _binds(socket.AF_INET6, "::1", 0):
        yield socket.AF_INET6, "::1"


def _binds(family: socket.AddressFamily, address: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are only lingering in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
