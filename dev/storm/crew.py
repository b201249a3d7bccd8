"""Forked processes that work together: each is asked over a pipe, and ends when the one that made it has gone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

from dev.storm.report import Ticker, Violation

_fork = multiprocessing.get_context("fork")
"""Whoever forks has no threads; what was imported before needs no importing in six thousand processes."""


class Failed(Exception):
    """Raised in place of what was raised in the other process, with its traceback."""


class Partner:
    """A forked process that answers questions one after another."""

    def __init__(self, work: Callable[[], Callable[[Any], Any]]) -> None:
        self._connection, other_end = _fork.Pipe()
        self.process = _fork.Process(target=_answer, args=(work, self._connection, other_end))
        self.process.start()
        other_end.close()

    @property
    def connection(self) -> Connection:
        """For `wait`."""
        return self._connection

    def tell(self, question: Any) -> None:
        """Ask without waiting; `heard` has the answer."""
        self._connection.send(question)

    def heard(self) -> Any:
        """The next answer. Raises Failed; EOFError where the process has ended."""
        failed, answer = self._connection.recv()
        if failed:
            raise Failed(answer)
        return answer

    def ask(self, question: Any) -> Any:
        """Both."""
        self.tell(question)
        return self.heard()

    def end(self) -> None:
        """Let it end, and wait until it has."""
        with contextlib.suppress(BrokenPipeError):
            self._connection.send(None)
        self._connection.close()
        self.process.join()


def _answer(work: Callable[[], Callable[[Any], Any]], ours: Connection, theirs: Connection) -> None:
    ours.close()
    parent = os.getppid()
    try:
        answer: Callable[[Any], Any] | None = None
        while (question := _next(theirs, parent)) is not None:
            try:
                answer = answer or work()
                theirs.send((False, answer(question)))
            except Exception:  # noqa: BLE001 - it is told to whoever asked
                theirs.send((True, traceback.format_exc()))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        pass
    finally:
        os._exit(0)  # nothing that was inherited may be cleaned up here


def _next(connection: Connection, parent: int) -> Any:
    """The next question; None where there will be none. Siblings hold copies of the pipe, so its end is no sign."""
    while not connection.poll(1.0):
        if os.getppid() != parent:
            return None
    return connection.recv()


@contextmanager
def partners(works: Sequence[Callable[[], Callable[[Any], Any]]]) -> Iterator[list[Partner]]:
    """One process for each, until the block ends."""
    with ExitStack() as stack:
        made = []
        for work in works:
            made.append(Partner(work))
            stack.callback(made[-1].end)
        yield made


def victim(work: Callable[[Callable[[str], object]], object]) -> tuple[bool, list[str]]:
    """Have a forked process do some work that tells us lines; whether it was killed, and the lines."""
    ours, theirs = _fork.Pipe()
    process = _fork.Process(target=_die, args=(work, theirs))
    process.start()
    theirs.close()
    process.join()
    lines = []
    with contextlib.suppress(EOFError):
        while True:
            lines.append(ours.recv())
    ours.close()
    return process.exitcode == -signal.SIGKILL, lines


def _die(work: Callable[[Callable[[str], object]], object], connection: Connection) -> None:
    try:
        work(connection.send)
    except Exception:  # noqa: BLE001 - the last words of whoever should have been killed before
        connection.send(traceback.format_exc())
    os._exit(0)


def share_out(works: Sequence[Callable[[], Callable[[Any], Any]]], rounds: Sequence[Any], ticker: Ticker) -> list[Any]:
    """Every round by whichever process is free; all that they answered. Raises Violation for an answer that is one."""
    waiting, answers = list(reversed(rounds)), []
    with partners(works) as crew:
        busy = {partner.connection: partner for partner in crew}
        for partner in crew:
            if waiting:
                partner.tell(waiting.pop())
            else:
                del busy[partner.connection]
        while busy:
            for connection in wait(list(busy)):
                partner = next(one for one in crew if one.connection is connection)
                answer = partner.heard()
                if isinstance(answer, Violation):
                    raise answer
                answers.append(answer)
                ticker.tick()
                if waiting:
                    partner.tell(waiting.pop())
                else:
                    del busy[partner.connection]
    return answers
