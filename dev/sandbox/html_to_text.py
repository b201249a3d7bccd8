"""The plain text of an HTML body, roughly as Exchange renders it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BREAKS = {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "blockquote", "hr"}
_SILENT = {"style", "script", "head", "title"}


def html_to_text(html: str) -> str:
    """Text with CRLF line ends; links keep their address in angle brackets."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = re.sub(r"[ \t]+", " ", "".join(reader.parts))
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip().replace("\n", "\r\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BREAKS:
            self.parts.append("\n\n" if tag in ("p", "h1", "h2") else "\n")
        elif tag == "a":
            self._links.append(dict(attrs).get("href"))

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._links:
            address = self._links.pop()
            if address:
                self.parts.append(f"<{address}>")
        elif tag in _BREAKS and tag != "br":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))
