"""Where a person may be sent on this origin after signing in."""

from __future__ import annotations

import re
from urllib.parse import unquote

MOST_BYTES = 256
# One way to match each character, so that no input makes it try twice.
_PATH = re.compile(r"/(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|/(?!/))*")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_ENCODED_TROUBLE = re.compile(r"%(?:0[0-9a-f]|1[0-9a-f]|7f|2f|5c|2e|25)", re.IGNORECASE)
_ENCODED_CONTROL = re.compile(r"%(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
_NOT_PAGES = {"auth", "api", "graph", "health", "assets", "admin", "runtime", ".auth"}


def safe_return_path(text: str) -> str:
    """`text` if it is the path of a page on this origin, with or without a query; else "/".

    At most 256 bytes of plain ASCII. Nothing that a browser might read as another host (`//`, `/\\`), nothing encoded
    that turns into such once decoded, no dot segments, and none of our own endpoints. RFC 9700 section 4.11.
    """
    if len(text) > MOST_BYTES or not text.isascii():
        return "/"
    path, mark, query = text.partition("?")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        return "/"
    if _ENCODED_TROUBLE.search(path) or _ENCODED_CONTROL.search(query):
        return "/"
    segments = path.split("/")[1:]
    if any(segment in (".", "..") for segment in segments) or unquote(segments[0]).lower() in _NOT_PAGES:
        return "/"
    return path + mark + query
