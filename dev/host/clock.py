"""A clock that another process can move: the sandbox's control page shifts it to make sessions and tokens expire."""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

_OFFSETS = struct.Struct("<dd")  # seconds


class ShiftedClock:
    """Real time plus offsets in a shared file, read anew at every call: two little-endian doubles, in seconds.

    The first says how much time has passed besides, and moves both readings; the second by how much this clock is
    wrong, and moves the time of day alone. The file is made with offsets of 0 where it does not exist, and lengthened
    where it has the first alone.
    """

    def __init__(self, offset_file: Path) -> None:
        descriptor = os.open(offset_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < _OFFSETS.size:
                os.ftruncate(descriptor, _OFFSETS.size)  # zero bytes are the double 0.0
            self._shared = mmap.mmap(descriptor, _OFFSETS.size, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)

    def now(self) -> float:
        """Seconds since the epoch, moved by both."""
        passed, wrong = self._offsets()
        return time.time() + passed + wrong

    def monotonic(self) -> float:
        """Seconds for measuring intervals, moved too: what expires by this clock must expire when the sandbox says
        so.
        """
        return time.monotonic() + self._offsets()[0]

    def _offsets(self) -> tuple[float, float]:
        passed, wrong = _OFFSETS.unpack_from(self._shared)
        return float(passed), float(wrong)
