"""Finds secrets in what left the app: as they are, and in the forms in which they travel or are packed."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote_to_bytes

# Every code and token of the sandbox holds this word, or its base64 form where it is itself base64 of JSON.
MARKS = (b"canary", b"Y2FuYXJ5")
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")


def forms(secret: str) -> set[bytes]:
    """A secret verbatim, URL-encoded, in hexadecimal, and in base64 at each of the three alignments."""
    plain = secret.encode()
    found = {plain, quote(secret, safe="").encode(), plain.hex().encode()}
    for shift in range(3):
        packed = base64.b64encode(b"\0" * shift + plain)[4 * bool(shift) :]
        core = packed[: len(packed) - 4].rstrip(b"=")
        found |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """The data, URL-decoded once and twice, without JSON escapes, and every base64 run in it, decoded and inflated."""
    yield data
    once = unquote_to_bytes(data)
    yield from (once, unquote_to_bytes(once), _inflated(data))
    for match in _RUN.finditer(once):
        run = match[0].replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            piece = run[start : start + (len(run) - start) // 4 * 4]
            decoded = _decoded(piece)
            yield from (decoded, _inflated(decoded))


def secrets_in(data: bytes, secrets: Iterable[bytes]) -> list[bytes]:
    """Which of these byte strings are in the data in any form."""
    wanted = list(secrets)
    return [secret for piece in unpacked(data) for secret in wanted if secret in piece]


def _decoded(run: bytes) -> bytes:
    try:
        return base64.b64decode(run)
    except binascii.Error:
        return b""


def _inflated(data: bytes) -> bytes:
    """Out of gzip or zlib, as far as it goes: the end may be missing."""
    try:
        return zlib.decompressobj(wbits=47).decompress(data)
    except zlib.error:
        return b""
