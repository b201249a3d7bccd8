"""The sandbox's own clock, and the file that shifts the clock of the app under test."""

from __future__ import annotations

import asyncio
import struct
import time
from pathlib import Path

_OFFSETS = struct.Struct("<dd")


class SandboxClock:
    """Entra's and Graph's idea of the time: the machine's, `offset` seconds later."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.offset


class Pauses:
    """Deliberate delays. A reset and the end of the sandbox cut them short."""

    def __init__(self) -> None:
        self._released = asyncio.Event()

    async def pause(self, seconds: float) -> bool:
        """Wait so many seconds; True if that was cut short."""
        if seconds <= 0:
            return False
        try:
            return await asyncio.wait_for(self._released.wait(), seconds)
        except TimeoutError:
            return False

    def release(self) -> None:
        """Cut short what is waiting now."""
        self._released.set()
        self._released = asyncio.Event()


class AppClockFile:
    """Two little-endian doubles, in seconds: how far the app's clock is ahead, and by how much its time of day alone is
    wrong. The local host maps it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists() or path.stat().st_size != _OFFSETS.size:
            path.write_bytes(bytes(_OFFSETS.size))

    def write(self, offset: float, wrong_by: float = 0.0) -> None:
        """Set the offsets in place: the other side has the file mapped, so it must stay the same file."""
        with self._path.open("r+b") as file:
            file.write(_OFFSETS.pack(offset, wrong_by))
