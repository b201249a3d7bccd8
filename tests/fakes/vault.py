"""A wrapping key that counts what it is asked, and can be out of reach."""

from __future__ import annotations

import threading
from collections.abc import Callable

from shared import errors
from shared.clock import Deadline
from shared.wrapping import NotOurs, WrappingKey


class FakeVault(WrappingKey):
    """Wraps by adding a prefix. Several key rings may share one, as several processes share a vault."""

    def __init__(self, name: str = "vault/keys/wrapping/1") -> None:
        self.name = name
        self.is_down = False
        self.unwraps_nothing = False
        """It wraps, but the permission to unwrap is missing."""
        self.wraps = 0
        self.unwraps = 0
        self.before: Callable[[], object] = lambda: None
        """Happens in each call, before anything else."""
        self.hangs_for: Callable[[float], object] | None = None
        """Lets so many seconds pass: with it, no call is answered before its deadline."""
        self._lock = threading.Lock()

    @property
    def calls(self) -> int:
        return self.wraps + self.unwraps

    def wrap(self, key: bytes, deadline: Deadline) -> tuple[bytes, str]:
        with self._lock:
            self.wraps += 1
        self._reach(deadline)
        return b"wrapped:" + key, self.name

    def unwrap(self, wrapped: bytes, wrapped_by: str, deadline: Deadline) -> bytes:
        with self._lock:
            self.unwraps += 1
        self._reach(deadline)
        if self.unwraps_nothing:
            raise errors.KeysUnavailable
        if wrapped_by != self.name or not wrapped.startswith(b"wrapped:"):
            raise NotOurs
        return wrapped.removeprefix(b"wrapped:")

    def _reach(self, deadline: Deadline) -> None:
        self.before()
        if self.hangs_for is not None:
            self.hangs_for(max(0.0, deadline.remaining()))
        if self.is_down or deadline.remaining() <= 0:
            raise errors.KeysUnavailable
