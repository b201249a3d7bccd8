"""Requests as a browser would send them, without following redirects. The only place of this room that sends any."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3

SECONDS = 20.0
NAVIGATION = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "Accept": "text/html",
}
FETCH = {
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
    "Accept": "application/json",
}


class Unreachable(Exception):
    """No answer came; `str` says why, in a few words."""


@dataclass(frozen=True)
class Answer:
    """Header names in lower case; a name that came several times has several values."""

    status: int
    headers: Mapping[str, list[str]]
    body: str

    def header(self, name: str) -> str:
        """All values of a header, joined; empty where it is absent."""
        return ", ".join(self.headers.get(name.lower(), []))

    @property
    def cookies(self) -> list[str]:
        """Every Set-Cookie line exactly as it came."""
        return self.headers.get("set-cookie", [])


class Browser:
    """Sends single requests. `ca_file` is one more CA to trust."""

    def __init__(self, ca_file: str | None = None) -> None:
        context = ssl.create_default_context(cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        timeout = urllib3.Timeout(total=SECONDS)
        self._pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=timeout)

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Raises Unreachable."""
        try:
            answer = self._pool.request(method, url, headers=dict(headers or {}), redirect=False)
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as problem:
            raise Unreachable(_words(problem)) from None
        names = {name.lower() for name in answer.headers}
        found = {name: list(answer.headers.getlist(name)) for name in names}
        return Answer(answer.status, found, answer.data.decode("utf-8", "replace"))


def _words(problem: Exception) -> str:
    text = str(problem)
    if "certificate" in text.lower():
        return "its certificate is not trusted"
    if isinstance(problem, urllib3.exceptions.TimeoutError):
        return f"no answer within {SECONDS:.0f} s"
    if "resolve" in text.lower() or "Name or service" in text:
        return "no such host"
    return type(problem).__name__
