"""A small HTTP client that treats cookies as a browser does, and shows every header as it came."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

Site = Literal["none", "same-origin", "same-site", "cross-site"]


@dataclass(frozen=True)
class Answer:
    """One response. `headers` holds every line in its order, names as they were sent."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of every line with that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The value of the only line with that name."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def location(self) -> str:
        """Where a redirect leads, in full."""
        location = self.header("Location")
        assert location is not None, f"{self.status} without Location: {self.text[:300]}"
        return urljoin(self.url, location)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


ANSWERS: list[Answer] = []
"""Every answer of an app's in this run, to any browser, so that the last test can search all of them."""


@dataclass(frozen=True)
class Cookie:
    """One cookie in the jar; `attributes` by lower-case name."""

    name: str
    value: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, line: str) -> Cookie:
        pair, *rest = line.split(";")
        name, _, value = pair.partition("=")
        attributes = {}
        for part in rest:
            key, _, content = part.partition("=")
            attributes[key.strip().lower()] = content.strip()
        return cls(name.strip(), value.strip(), attributes)

    def is_refused(self) -> bool:
        """RFC 6265bis section 5.7: a name that begins with __Host- needs Secure, Path=/ and no Domain, not even empty.

        __Host-Http- needs HttpOnly as well.
        """
        if not self.name.lower().startswith("__host-"):
            return False
        fits = "secure" in self.attributes and self.attributes.get("path") == "/" and "domain" not in self.attributes
        return not fits or (self.name.lower().startswith("__host-http-") and "httponly" not in self.attributes)

    def is_deletion(self) -> bool:
        return self.attributes.get("max-age", "").startswith(("0", "-"))

    def is_sent(self, site: Site, navigation: bool) -> bool:
        """RFC 6265bis section 5.8.3: whether it goes along with a GET that another site began."""
        same_site = self.attributes.get("samesite", "lax").lower()
        return site != "cross-site" or same_site == "none" or (same_site == "lax" and navigation)


class BrowserClient:
    """One browser: a cookie jar per host (ports share it), no redirects followed, one connection per request.

    `seen` keeps every answer, so that a test can search all of them for what must not be there.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else None
        self.jar: dict[str, dict[str, Cookie]] = {}
        self.seen: list[Answer] = []

    def cookies(self, url: str) -> dict[str, Cookie]:
        """The jar of the URL's host; what a test puts in is sent."""
        return self.jar.setdefault(urlsplit(url).hostname or "", {})

    def navigate(self, url: str, site: Site = "none", headers: Mapping[str, str] | None = None) -> Answer:
        """Types an address, follows a link or a redirect: a GET of a page."""
        metadata = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html,*/*;q=0.8"}
        return self.request("GET", url, metadata | {"Sec-Fetch-Site": site} | dict(headers or {}))

    def fetch(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """What the app's own page does with `fetch`."""
        metadata = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        if method not in ("GET", "HEAD"):
            parts = urlsplit(url)
            metadata["Origin"] = f"{parts.scheme}://{parts.netloc}"
        return self.request(method, url, metadata | {"Accept": "application/json"} | dict(headers or {}), body)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Sends exactly these headers, and the cookies that a browser would add; the URL's path goes out as written."""
        parts = urlsplit(url)
        sent = dict(headers or {})
        cookie = self._cookie_header(parts, sent)
        if cookie and "Cookie" not in sent:
            sent["Cookie"] = cookie
        connection = self._connect(parts)
        try:
            connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, sent)
            response = connection.getresponse()
            answer = Answer(url, response.status, tuple(response.getheaders()), response.read())
        finally:
            connection.close()
        self._keep_cookies(parts, answer)
        self.seen.append(answer)
        if parts.hostname == "localhost":  # the pages of the sandbox, at 127.0.0.1, hand out codes as Entra does
            ANSWERS.append(answer)
        return answer

    def _connect(self, parts: SplitResult) -> http.client.HTTPConnection:
        # `localhost` may be ::1 first; everything of ours listens on 127.0.0.1 and is addressed there.
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.netloc, timeout=60, context=self._tls)
        return http.client.HTTPConnection(parts.netloc, timeout=60)

    def _cookie_header(self, parts: SplitResult, headers: Mapping[str, str]) -> str:
        site = headers.get("Sec-Fetch-Site", "none")
        navigation = headers.get("Sec-Fetch-Mode") == "navigate"
        jar = self.jar.get(parts.hostname or "", {})
        return "; ".join(
            f"{cookie.name}={cookie.value}"
            for cookie in jar.values()
            if cookie.is_sent("cross-site" if site == "cross-site" else "none", navigation)
        )

    def _keep_cookies(self, parts: SplitResult, answer: Answer) -> None:
        jar = self.jar.setdefault(parts.hostname or "", {})
        for line in answer.all("Set-Cookie"):
            cookie = Cookie.parse(line)
            if cookie.is_refused():
                continue
            jar.pop(cookie.name, None)
            if not cookie.is_deletion():
                jar[cookie.name] = cookie
