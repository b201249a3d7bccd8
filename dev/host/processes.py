"""The serving processes of one host: starts them, replaces one that dies, stops them all.

Each loads the app itself, as the platform's worker processes do. Each has its own socket on the one port where the
system can share a port (SO_REUSEPORT), so that connections spread; the parent keeps every socket open, so that none
is refused while a process restarts.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from dev.host import server
from dev.host.options import HostOptions

_STOP_TIME = 10.0  # seconds for a process to end before it is killed
_spawn = multiprocessing.get_context("spawn")


class _Child:
    """A serving process with its socket.

    It ends when the other end of its pipe closes, so it cannot outlive the parent.
    """

    def __init__(self, options: HostOptions, listener: socket.socket) -> None:
        self.listener = listener
        self.connection, other_end = _spawn.Pipe()
        self.process: SpawnProcess = _spawn.Process(target=_serve, args=(options, listener, other_end))
        self.process.start()
        other_end.close()

    def wait_until_listening(self) -> bool:
        """Whether it listens; False when it ended instead."""
        if self.connection in wait([self.connection, self.process.sentinel]) and not _at_end(self.connection):
            return True
        self.process.join()
        return False

    def ended(self) -> str:
        """How it ended, once its sentinel says that it has."""
        self.process.join()
        self.connection.close()
        return f"Process {self.process.pid} ended ({self.process.exitcode})"

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(_STOP_TIME)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.connection.close()


def _at_end(connection: Connection) -> bool:
    try:
        connection.recv()
    except EOFError:
        return True
    return False


def _serve(options: HostOptions, listener: socket.socket, connection: Connection) -> None:
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    leave(server.serve(options, listener, lambda: connection.send("listening")))


def _end_with_parent(connection: Connection) -> None:
    _at_end(connection)
    os.kill(os.getpid(), signal.SIGTERM)


def leave(exit_code: int) -> None:
    """End this process at once: a thread still in a function (which may wait many seconds on a network) must not hold
    it up.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def serve(options: HostOptions, listeners: list[socket.socket], on_listening: Callable[[], None]) -> int:
    """Serve with one process per listener until SIGTERM or SIGINT; returns the exit code."""
    woken, waker = multiprocessing.Pipe(duplex=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: waker.send(None))
    children: list[_Child] = []
    try:
        for group in (listeners[:1], listeners[1:]):  # what is wrong with the app, the first one says alone
            started = [_Child(options, listener) for listener in group]
            children += started
            for child in started:
                if not child.wait_until_listening():
                    return 0 if woken.poll() else child.process.exitcode or 1
        on_listening()
        return _supervise(options, children, woken)
    finally:
        for child in children:
            child.stop()


def _supervise(options: HostOptions, children: list[_Child], woken: Connection) -> int:
    while True:
        ready = wait([woken, *(child.process.sentinel for child in children)])
        if woken in ready:
            return 0
        for index, child in enumerate(children):
            if child.process.sentinel in ready:
                print(f"{child.ended()}; starting another.", file=sys.stderr, flush=True)
                children[index] = _Child(options, child.listener)
                if not children[index].wait_until_listening():
                    return 1
