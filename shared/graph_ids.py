"""Graph's ids in our own URLs and answers."""

from __future__ import annotations

import base64
import re

from shared import graph_errors
from shared.errors import DrawbridgeError


def public_id(graph_id: str) -> str:
    """Graph's id as base64url, for our own URLs: Azure's front end decodes %2F before it chooses a route."""
    return base64.urlsafe_b64encode(graph_id.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def graph_id(public: str, missing: type[DrawbridgeError] = graph_errors.MessageNotFound) -> str:
    """Graph's id out of one of ours. Raises `missing` for what is none."""
    try:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,2048}", public):
            raise ValueError
        found = base64.b64decode(public + "=" * (-len(public) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise missing from None
    if found in (".", "..") or not found.isprintable():
        raise missing
    return found
