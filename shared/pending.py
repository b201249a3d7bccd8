"""A sign-in that is under way: begun at auth/login, kept in the browser alone, taken at auth/callback.

It holds nothing that its own browser may not know, so it is plain base64url JSON. It lives ten minutes; a browser has
at most five, so that several tabs can sign in at once and no flood of logins fills anything.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass

from shared import errors
from shared.challenges import claims_of
from shared.cookies import PENDING_SECONDS, Cookie, Jar

MOST = 5
MOST_CLAIMS = 400
"""Bytes of claims that are carried along; larger ones stay behind, and with them the cookie small."""
_KEY = re.compile(r"[0-9a-f][0-9]{8}/[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What the callback must know of the login. `issued` in seconds since 1970; `replaces` names the session that this
    sign-in will end ("partition/key"), empty where there was none; `claims` is what the tokens must bring, as JSON."""

    state: str
    issued: int
    code_verifier: str
    nonce: str
    return_to: str
    replaces: str = ""
    claims: str | None = None

    def encoded(self) -> str:
        # As an object and not as a text in a text, whose every quote would need a backslash.
        claims = json.loads(self.claims) if self.claims and len(self.claims) <= MOST_CLAIMS else None
        fields = [self.code_verifier, self.nonce, self.return_to, self.replaces, claims]
        return base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).rstrip(b"=").decode()


def remember(pending: PendingSignIn, jar: Jar) -> list[Cookie]:
    """The cookies that keep this sign-in, and that delete the oldest ones beyond four others."""
    others = jar.pendings()
    crowd = others[: max(0, len(others) - (MOST - 1))]
    stale = [jar.end_pending(state, issued) for issued, state, _ in crowd]
    return [*stale, jar.pending(pending.state, pending.issued, pending.encoded())]


def take(jar: Jar, state: str, now: float) -> PendingSignIn:
    """The pending sign-in of this browser that `state` names.

    Raises SignInExpired where this browser has none by that state, or it is older than ten minutes.
    """
    for issued, known, value in jar.pendings():
        if known == state:
            pending = _decoded(known, issued, value)
            if not -300 <= now - issued <= PENDING_SECONDS:
                raise errors.SignInExpired(return_to=pending.return_to)
            return pending
    raise errors.SignInExpired


def _decoded(state: str, issued: int, value: str) -> PendingSignIn:
    try:
        fields = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        code_verifier, nonce, return_to, replaces, given = fields
        claims = None if given is None else claims_of(json.dumps(given))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise errors.SignInExpired from None
    # All that we write is ASCII; of what is none, the verifier and the nonce could not even be sent.
    texts = all(isinstance(text, str) and text.isascii() for text in (code_verifier, nonce, return_to, replaces))
    if not texts or (replaces and not _KEY.fullmatch(replaces)) or (claims is None) != (given is None):
        raise errors.SignInExpired
    return PendingSignIn(state, issued, code_verifier, nonce, return_to, replaces, claims)
