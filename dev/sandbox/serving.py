"""Runs the sandbox: in the foreground for the command line, in a thread for tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from dev.certificates import ca_file, server_certificate
from dev.sandbox.application import build
from dev.sandbox.clock import Pauses
from dev.sandbox.connections import Listener, protocol_of
from dev.sandbox.control_client import Control
from dev.sandbox.options import SandboxOptions
from dev.sandbox.world import World

START_DEADLINE = 30.0
STOP_DEADLINE = 10.0
KEEP_ALIVE = 120


@dataclass(frozen=True)
class Sandbox:
    """Where a sandbox listens, and what its clients must trust."""

    http_url: str
    https_url: str
    ca_file: Path
    control: Control


class SandboxServer:
    """Sockets are bound when it is made: OSError if a port is taken."""

    def __init__(self, options: SandboxOptions) -> None:
        self.ca_file = ca_file(options.ca_folder)
        self._chain, self._key = server_certificate(options.ca_folder)
        self._sockets = {"http": _bind(options.http_port), "https": _bind(options.https_port)}
        self._ports = {name: sockets[0].getsockname()[1] for name, sockets in self._sockets.items()}
        self.world = World(options, self._ports["http"], self._ports["https"])
        self._servers = [_Server(self._config(name), self.world.pauses) for name in ("http", "https")]

    @property
    def running(self) -> Sandbox:
        """The addresses, once it runs."""
        control = Control(self.world.http_url, self.world.options.control_token)
        return Sandbox(self.world.http_url, self.world.https_url, self.ca_file, control)

    def stop(self) -> None:
        """Ask it to stop; may be called from any thread or from a signal handler."""
        for server in self._servers:
            server.should_exit = True

    def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until stopped; `on_ready` is called when both listeners accept."""
        # uvloop where it is installed, asyncio's own loop elsewhere.
        with asyncio.Runner(loop_factory=self._servers[0].config.get_loop_factory()) as runner:
            runner.run(self._serve(on_ready))

    async def _serve(self, on_ready: Callable[[], None]) -> None:
        serving = [
            asyncio.ensure_future(server.serve(sockets=self._sockets[name]))
            for server, name in zip(self._servers, ("http", "https"), strict=True)
        ]
        while not all(server.started for server in self._servers):
            await asyncio.sleep(0.005)
        on_ready()
        await asyncio.gather(*serving)

    def _config(self, name: str) -> uvicorn.Config:
        encrypted = name == "https"
        return uvicorn.Config(
            build(self.world),
            http=protocol_of(Listener(name, self._ports[name], self.world)),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=5,
            ssl_certfile=self._chain if encrypted else None,
            ssl_keyfile=self._key if encrypted else None,
        )


class _Server(uvicorn.Server):
    """Two of them share a process, so neither may take the signals for itself; and neither waits for clients."""

    def __init__(self, config: uvicorn.Config, pauses: Pauses) -> None:
        super().__init__(config)
        self._pauses = pauses

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._pauses.release()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


@contextlib.contextmanager
def serve(options: SandboxOptions) -> Iterator[Sandbox]:
    """A sandbox in a thread of this process. Raises TimeoutError if it does not start within 30 seconds."""
    sandbox = SandboxServer(options)
    ready = threading.Event()
    thread = threading.Thread(target=sandbox.run, args=(ready.set,), name="sandbox", daemon=True)
    thread.start()
    try:
        if not ready.wait(START_DEADLINE):
            raise TimeoutError("the sandbox did not start")
        yield sandbox.running
    finally:
        sandbox.stop()
        thread.join(STOP_DEADLINE)


def _bind(port: int) -> list[socket.socket]:
    """The same port on 127.0.0.1 and, where the machine has it, on ::1: `localhost` may mean either."""
    # asyncio sets TCP_NODELAY only where the protocol is given; without it small writes wait for delayed ACKs.
    first = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":  # where it would let two servers share a port
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    first.bind(("127.0.0.1", port))
    sockets = [first]
    with contextlib.suppress(OSError):
        second = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform != "win32":
            second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        second.bind(("::1", first.getsockname()[1]))
        sockets.append(second)
    return sockets
