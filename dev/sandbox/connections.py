"""Connections that can be reset: what a listener's protocol does beyond uvicorn's."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dev.sandbox.world import World

if sys.platform == "linux":
    import fcntl
    import termios

_LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Listener:
    """One of the two: "http" or "https"."""

    name: str
    port: int
    world: World


class Connection(HttpToolsProtocol):
    """One connection of a client; handlers find it in the request's state."""

    listener: Listener
    _idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it."""
        super().connection_made(transport)
        self.listener.world.calls.connections[self.listener.name] += 1

    def on_message_begin(self) -> None:
        """Let the application reach its connection."""
        super().on_message_begin()
        self.scope["state"]["connection"] = self

    def data_received(self, data: bytes) -> None:
        """Not idle any more."""
        self._stop_waiting()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Idle from now on."""
        super().on_response_complete()
        limit = self.listener.world.settings.idle_reset_seconds
        if limit is not None:
            self._idle = self.loop.call_later(limit, self.reset)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing left to reset."""
        self._stop_waiting()
        super().connection_lost(exc)

    def reset(self) -> None:
        """TCP RST: with a linger time of zero, closing sends no FIN. RFC 9293 section 3.10.4 (ABORT)."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()

    def write_raw(self, data: bytes) -> None:
        """Send bytes past the framing of HTTP."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def has_unsent_data(self) -> bool:
        """Whether a reset would throw away what was written: in this process, or where it can be seen in the kernel."""
        if self.transport.is_closing():
            return False
        if self.transport.get_write_buffer_size():
            return True
        if sys.platform != "linux":
            return False
        sock = self.transport.get_extra_info("socket")
        unsent = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
        return any(unsent)

    def _stop_waiting(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def protocol_of(listener: Listener) -> type[Connection]:
    """The protocol class of a listener, for uvicorn's `http` option."""
    return type(f"{listener.name.capitalize()}Connection", (Connection,), {"listener": listener})
