"""Claims challenges: what a resource or Entra demands of the next token, as it may be carried on.

Claims travel through the session's row, the browser's address bar and token requests, so only what is an object of
objects (OpenID Connect Core section 5.5) gets in here, and leaves as ASCII without white space.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import NoReturn

MOST = 10 * 1024
"""Bytes of a challenge, as it came; a larger one is none."""
_PART = re.compile(
    r"""[\s,]*(?:
        (?P<name>[A-Za-z0-9_.-]+)[ \t]*=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))
        |(?P<scheme>[^\s,"=]+)
        |.
    )""",
    re.DOTALL | re.VERBOSE,
)


def claims_of(text: object) -> str | None:
    """The claims that a text of JSON holds; None for anything else."""
    if not isinstance(text, str) or len(text) > MOST:
        return None
    try:
        found = json.loads(text, parse_constant=_no_constant)
        if not isinstance(found, dict) or not found or not all(isinstance(part, dict) for part in found.values()):
            return None
        return json.dumps(found, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None


def with_capability(claims: str | None, capability: str) -> str:
    """The claims of a token request by a client that has this capability, as MSAL merges them.

    https://learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    whole = json.loads(claims) if claims else {}
    whole.setdefault("access_token", {})["xms_cc"] = {"values": [capability]}
    return json.dumps(whole, separators=(",", ":"))


def claims_challenge(www_authenticate: str) -> str | None:
    """The claims that the Bearer challenges of a 401 demand; None where they demand none that can be read.

    Several header lines come joined by commas (RFC 9110 sections 5.3 and 11.6.1). Microsoft Graph leaves an URL
    unquoted, and sends `claims` as base64 with its padding.
    """
    if len(www_authenticate) > MOST:
        return None
    for scheme, name, value in _parameters(www_authenticate):
        if scheme == "bearer" and name == "claims":
            claims = claims_of(_decoded(value))
            if claims is not None:
                return claims
    return None


def _parameters(header: str) -> Iterator[tuple[str, str, str]]:
    """(scheme, name, value) of each parameter; the first two in lower case."""
    scheme = ""
    for name, quoted, plain, word in _PART.findall(header):
        if word:
            scheme = word.lower()
        elif name:
            yield scheme, name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain


def _decoded(value: str) -> str | None:
    try:
        standard = value.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
