"""A clock that another process can move: the sandbox's control page shifts it to make sessions and tokens expire."""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

_OFFSET = struct.Struct("<d")  # seconds


class ShiftedClock:
    """Real time plus the offset in a shared file (8 bytes, little-endian double, seconds), read anew at every call.

    The file is made with offset 0 where it does not exist.
    """

    def __init__(self, offset_file: Path) -> None:
        descriptor = os.open(offset_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < _OFFSET.size:
                os.ftruncate(descriptor, _OFFSET.size)  # zero bytes are the double 0.0
            self._shared = mmap.mmap(descriptor, _OFFSET.size, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)

    def now(self) -> float:
        """Seconds since the epoch, moved."""
        return time.time() + self._offset()

    def monotonic(self) -> float:
        """Seconds for measuring intervals, moved too: what expires by this clock must expire when the sandbox says
        so.
        """
        return time.monotonic() + self._offset()

    def _offset(self) -> float:
        offset: float = _OFFSET.unpack_from(self._shared)[0]
        return offset
