"""Request paths: decoding as Kestrel does it, and the encoding of the URL that the worker sees.

Sources: dotnet/aspnetcore src/Shared/UrlDecoder/UrlDecoder.cs, Kestrel Internal/Http/PathDecoder.cs,
src/Http/Http.Abstractions/PathString.cs.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
_SLASH = re.compile(rb"%2F", re.IGNORECASE)
_PLAIN_PATH = re.compile(r"[A-Za-z0-9!$&'()*+,\-./:;=@_~]*\Z")
_TRIPLE = re.compile(r"(%[0-9A-Fa-f]{2})")


class PathInvalid(ValueError):
    """Kestrel refuses this path with 400: it is not ASCII or holds an encoded NUL."""


def decode(raw_path: bytes) -> str:
    """The path that routing sees: percent-decoded as UTF-8 except %2F, then without dot segments. Raises PathInvalid.

    Bytes that are not UTF-8 stay percent-encoded.
    """
    if b"%00" in raw_path or not raw_path.isascii():
        raise PathInvalid
    path = _ESCAPES.sub(_decode_escapes, raw_path).decode("utf-8") if b"%" in raw_path else raw_path.decode("ascii")
    return _without_dot_segments(path) if "/." in path else path


def with_decoded_slashes(raw_path: bytes) -> bytes:
    """What Azure's front end makes of %2F before the host sees the path (Azure/azure-functions-host issue 3998)."""
    return _SLASH.sub(b"/", raw_path)


def encode(path: str) -> str:
    """PathString.ToUriComponent: path characters stay, an escape already in the text stays, all else becomes
    percent-encoded UTF-8.
    """
    if _PLAIN_PATH.match(path):
        return path
    parts = _TRIPLE.split(path)
    return "".join(part if index % 2 else quote(part, safe="!$&'()*+,-./:;=@_~") for index, part in enumerate(parts))


def _decode_escapes(run: re.Match[bytes]) -> bytes:
    """Decode one run of escapes: valid UTF-8 except "/" becomes text, the rest stays as it was written."""
    written = run[0]
    octets = bytes.fromhex(written.replace(b"%", b"").decode("ascii"))
    decoded = bytearray()
    position = 0
    while position < len(octets):
        length = _character_length(octets, position)
        if length and octets[position] != 0x2F:
            decoded += octets[position : position + length]
        else:
            length = max(length, 1)
            decoded += written[3 * position : 3 * (position + length)]
        position += length
    return bytes(decoded)


def _character_length(octets: bytes, position: int) -> int:
    """How many octets the UTF-8 character at `position` takes; 0 where there is none."""
    for length in range(1, min(4, len(octets) - position) + 1):
        try:
            octets[position : position + length].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return length
    return 0


def _without_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4, as Kestrel's PathNormalizer.RemoveDotSegments."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
