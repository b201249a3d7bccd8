"""Taking the port before anything slow happens, so that a taken port is known at once."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"  # as `func start` does since Core Tools 4.14.0 (Azure/azure-functions-core-tools release_notes.md)


class PortTaken(Exception):
    """Another program listens on the port."""


def bind(port: int, count: int) -> list[socket.socket]:
    """`count` sockets that listen on one port of the loopback address. Port 0 takes a free one. Raises PortTaken.

    They listen at once: only that keeps other programs from the port. Whoever connects waits until a process accepts.
    """
    shared = count > 1 and hasattr(socket, "SO_REUSEPORT")
    if shared:
        with _listening(port, shared=False) as probe:  # with SO_REUSEPORT alone, a second host of ours would not notice
            port = probe.getsockname()[1]
        return [_listening(port, shared=True) for _ in range(count)]
    return [_listening(port, shared=False)] * count


def _listening(port: int, *, shared: bool) -> socket.socket:
    # The protocol is named because asyncio switches Nagle's delay off only for sockets that say TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if hasattr(socket, "SO_REUSEPORT"):  # elsewhere SO_REUSEADDR would let two programs share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTaken(f"Port {port} on {HOST} cannot be used: {error.strerror}.") from error
    return listener
