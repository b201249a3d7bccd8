"""Cookies, both ways. The only place that knows them.

The worker library turns a cookie without Domain into `domain=`, which browsers refuse for a `__Host-` name
(Azure/azure-functions-python-worker#1902). `HostOnlyHeaders` hands it morsels whose domain is None, which reach the
wire with no Domain at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from typing import Any, Literal

from werkzeug.datastructures import Headers
from werkzeug.sansio.http import parse_cookie

from shared.config import Config

_MAX_HEADER = 32768
_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,4000}")
_PENDING_NAME = re.compile(r"([0-9]{10,11})-([A-Za-z0-9_-]{16,64})")

PENDING_SECONDS = 600


class HostOnlyHeaders(Headers):
    """Response headers whose cookies have no Domain on the wire."""

    def get_all(self, key: str) -> list[Any]:
        values = self.getlist(key)
        if key.lower() != "set-cookie":
            return values
        return [_host_only(value) for value in values]


def _host_only(text: str) -> dict[str, Morsel[str]]:
    parsed = SimpleCookie(text)
    for morsel in parsed.values():
        dict.__setitem__(morsel, "domain", None)
    return dict(parsed)


@dataclass(frozen=True, slots=True)
class Cookie:
    """One Set-Cookie line. `max_age` in seconds: None keeps it until the browser closes, 0 deletes it."""

    name: str
    value: str
    same_site: Literal["Strict", "Lax"]
    secure: bool
    max_age: int | None = None

    def header(self) -> str:
        """RFC 6265bis section 4.1, without Expires, which the worker would shift by the local time zone."""
        age = "" if self.max_age is None else f"; Max-Age={self.max_age}"
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={self.value}; Path=/{secure}; HttpOnly; SameSite={self.same_site}{age}"


class Jar:
    """The cookies of one request that are ours, and the cookies that answer it."""

    def __init__(self, header: str, config: Config) -> None:
        self._config = config
        self._pairs = parse_cookie(header) if len(header) <= _MAX_HEADER else {}
        self._prefix = "__Host-drawbridge-sign-in-" if config.https else "drawbridge-sign-in-"

    def session_values(self) -> list[str]:
        """At most two values under our session cookie's name: another may stand in front of ours."""
        return [value for value in self._all(self._config.session_cookie_name) if _VALUE.fullmatch(value)][:2]

    def _all(self, name: str) -> list[str]:
        return list(self._pairs.getlist(name)) if hasattr(self._pairs, "getlist") else []

    def session(self, value: str) -> Cookie:
        """Keeps the session. Strict: nothing but the page's own requests ever carries it."""
        return Cookie(self._config.session_cookie_name, value, "Strict", self._config.https)

    def end_session(self) -> Cookie:
        return Cookie(self._config.session_cookie_name, "", "Strict", self._config.https, 0)

    def pending(self, state: str, issued: int, value: str) -> Cookie:
        """Keeps one sign-in that is under way. Lax: it must travel with the redirect back from Entra."""
        return Cookie(f"{self._prefix}{issued}-{state}", value, "Lax", self._config.https, PENDING_SECONDS)

    def end_pending(self, state: str, issued: int) -> Cookie:
        return Cookie(f"{self._prefix}{issued}-{state}", "", "Lax", self._config.https, 0)

    def pendings(self) -> list[tuple[int, str, str]]:
        """(issued, state, value) of every pending sign-in in this browser, oldest first."""
        found = []
        for name in self._pairs:
            match = _PENDING_NAME.fullmatch(name.removeprefix(self._prefix)) if name.startswith(self._prefix) else None
            if match:
                found.append((int(match[1]), match[2], self._all(name)[0]))
        return sorted(found)
