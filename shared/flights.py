"""What the requests of one process tell each other, so that none queues behind what another does or knows already."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy

from shared import errors
from shared.clock import Clock

DOWN_SECONDS = 1.0
"""How long one failure of Entra's, which named no time, answers for it."""
PROBE_SECONDS = 7.0
BUSY_SECONDS = 2
_REMEMBERED = 4096


class _Flight[T]:
    """One caller doing what several have asked for."""

    def __init__(self) -> None:
        self.aboard = 0
        self.landed = threading.Event()
        self.result: T | None = None
        self.problem: Exception = errors.SessionBusy(retry_after=BUSY_SECONDS)


class Flights[T]:
    """Of all who ask for the same at the same time one does it, and the others get its result, or its error.

    At most half of a pool of `threads` is at one name, and three quarters of it at all names together: the rest is
    left to requests that need not wait.
    """

    def __init__(self, threads: int) -> None:
        self._most_of_one = max(1, threads // 2)
        self._most = max(1, threads * 3 // 4)
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight[T]] = {}
        self._aboard = 0

    def join(self, name: str, do: Callable[[], T], wait: float) -> T:
        """What `do` gives, done here or by whoever is at it already, for whom this waits so many seconds.

        Raises what `do` raises, and SessionBusy where too many are at it, or it takes too long.
        """
        flight, leads = self._boarded(name)
        try:
            if leads:
                return self._led(flight, do)
            if flight.landed.wait(max(0.0, wait)) and flight.result is not None:
                return flight.result
            raise copy(flight.problem)
        finally:
            self._left(name, flight, leads)

    def _led(self, flight: _Flight[T], do: Callable[[], T]) -> T:
        try:
            flight.result = do()
        except Exception as problem:
            flight.problem = problem
            raise
        return flight.result

    def _boarded(self, name: str) -> tuple[_Flight[T], bool]:
        with self._lock:
            flight = self._flights.get(name)
            leads = flight is None
            if flight is None:
                flight = _Flight[T]()
            if self._aboard >= self._most or flight.aboard >= self._most_of_one:
                raise errors.SessionBusy(retry_after=BUSY_SECONDS)
            self._flights[name] = flight
            flight.aboard += 1
            self._aboard += 1
            return flight, leads

    def _left(self, name: str, flight: _Flight[T], leads: bool) -> None:
        with self._lock:
            flight.aboard -= 1
            self._aboard -= 1
            if leads:
                del self._flights[name]
        if leads:
            flight.landed.set()


class EntraHealth:
    """What the last answer said of Entra: throttled until then, or down, in which case one at a time finds out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._down = False
        self._silent_until = self._told_until = float("-inf")

    def check(self) -> None:
        """Raises EntraUnavailable, with what is left of its time, where asking is known to be in vain."""
        now = self._clock.monotonic()
        if now < self._silent_until:
            raise errors.EntraUnavailable(retry_after=max(1, math.ceil(self._told_until - now)))

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Ask within this. Raises EntraUnavailable like `check`."""
        with self._lock:
            self.check()
            if self._down:
                self._silent_until = self._clock.monotonic() + PROBE_SECONDS
        failed: errors.EntraUnavailable | None = None
        try:
            yield
        except errors.EntraUnavailable as problem:
            failed = problem
            raise
        finally:
            self.learnt(failed)

    def learnt(self, failed: errors.EntraUnavailable | None) -> None:
        """Note how an answer was; None where there was one, whatever it said."""
        now = self._clock.monotonic()
        with self._lock:
            self._down = failed is not None
            self._silent_until = float("-inf")
            if failed is not None:
                wait = failed.retry_after or 0
                self._told_until = now + wait
                self._silent_until = now + (wait if failed.told else DOWN_SECONDS)


class Recent[V]:
    """What was learnt of single sessions lately: a bounded number of them, the oldest forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, V] = OrderedDict()

    def get(self, name: str) -> V | None:
        return self._known.get(name)

    def put(self, name: str, value: V) -> None:
        with self._lock:
            self._put(name, value)

    def claim(self: Recent[float], name: str, now: float, seconds: float) -> bool:
        """Whether this is the first call of that name for so many seconds; one of several at once gets a yes."""
        with self._lock:
            if now < self._known.get(name, now):
                return False
            self._put(name, now + seconds)
            return True

    def take(self, name: str) -> V | None:
        """What is known, which is then forgotten."""
        with self._lock:
            return self._known.pop(name, None)

    def _put(self, name: str, value: V) -> None:
        self._known[name] = value
        self._known.move_to_end(name)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
