"""Calls made at the same time, and waiting for something to become true."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def at_once[T](count: int, call: Callable[[], T]) -> list[T]:
    """The results of `count` calls that all begin in the same moment."""
    barrier = Barrier(count)

    def one() -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(one) for _ in range(count)]]


def until[T](found: Callable[[], T], seconds: float = 20) -> T:
    """The first answer that is true; asks until the deadline and fails after it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = found()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
