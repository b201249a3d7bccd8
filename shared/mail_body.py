"""The HTML of a mail as a document of its own, to be shown in a frame without scripts.

The document's content security policy is what protects: nothing in it runs, and it reaches nobody. The filter comes on
top: it keeps elements and attributes by name, so that nothing is even tried, counts the pictures that lie elsewhere,
puts the message's own pictures (`cid:`, RFC 2392) in as data, and has links open elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import unquote

from shared.html_tokens import Start, Text, tokens

MAX_INLINE = 8 * 1024 * 1024
"""Characters of `data:` URIs that one document gets for the message's own pictures, however often it shows them."""

_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src {pictures}; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_HEAD = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>Message</title><style>"
    ":root{color-scheme:light;background:#fff;color:#000;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "body{margin:1rem}img{max-width:100%}pre{white-space:pre-wrap;font:inherit}"
    "img:not([src]){border:1px dashed #999}"
    "</style></head>"
)
_ELEMENT_NAMES = (
    "html body a abbr acronym address area article aside b bdi bdo big blockquote br caption center cite code col "
    "colgroup dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins "
    "kbd li main map mark menu ol p pre q rp rt ruby s samp section small span strike strong style sub summary sup "
    "table tbody td tfoot th thead time tr tt u ul var wbr"
)
_ATTRIBUTE_NAMES = (
    "abbr align alink alt axis bgcolor border bordercolor cellpadding cellspacing class clear color cols colspan "
    "compact coords datetime dir face headers height hspace id lang link name noshade nowrap open reversed role rows "
    "rowspan rules scope shape size span start style summary text title type usemap valign value vlink vspace "
    "width"
)
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_EDGES = "".join(map(chr, range(33)))
_LINE_BREAKS = str.maketrans("", "", "\t\n\r")
_LINK = re.compile(r"(https?://|mailto:|tel:)", re.IGNORECASE)
_REMOTE = re.compile(r"(https?:)?//", re.IGNORECASE)
_DATA = re.compile(r"data:image/", re.IGNORECASE)
_CSS_IMPORT = re.compile(r"@import[^;]*;?", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*([\"']?)", re.IGNORECASE)


def policy(*, remote: bool) -> str:
    """The document's Content-Security-Policy. `remote`: pictures may come from elsewhere too."""
    return _POLICY.format(pictures="data: https: http:" if remote else "data:")


class MailBody:
    """One mail's HTML, filtered. `remote`: keep the pictures that lie elsewhere.

    `remote_pictures` are the addresses of those, kept or not, and `content_ids` name the message's own pictures that
    it shows, in lower case.
    """

    def __init__(self, html: str, *, remote: bool = False) -> None:
        self._keep_remote = remote
        self._pieces: list[str] = [_HEAD]
        self._waiting: list[tuple[int, str, str]] = []
        self.remote_pictures: set[str] = set()
        for token in tokens(html):
            if isinstance(token, Text):
                self._pieces.append(token.html)
            elif isinstance(token, Start) and token.name == "style":
                self._pieces.append(f"<style>{self._css(token.raw or '')}</style>")
            elif token.name in _ELEMENTS and isinstance(token, Start):
                self._start(token)
            elif token.name in _ELEMENTS:
                self._pieces.append(f"</{token.name}>")

    @property
    def content_ids(self) -> frozenset[str]:
        return frozenset(content_id for _, _, content_id in self._waiting)

    def document(self, pictures: Mapping[str, str]) -> str:
        """The whole document. `pictures` has a `data:` URI for each content id, in lower case, that there is one for.

        A picture without one, or beyond MAX_INLINE, leaves a quiet frame with its alternative text.
        """
        pieces, left = self._pieces.copy(), MAX_INLINE
        for place, name, content_id in self._waiting:
            picture = pictures.get(content_id)
            if picture is not None and len(picture) <= left:
                left -= len(picture)
                pieces[place] = f' {name}="{escape(picture)}"'
        return "".join(pieces)

    def _start(self, tag: Start) -> None:
        self._pieces.append(f"<{tag.name}")
        for name, value in tag.attributes.items():
            if name == "style":
                self._attribute(name, self._css(value))
            elif name in _ATTRIBUTES or name.startswith("aria-"):
                self._attribute(name, value)
            elif name == "background" or (name == "src" and tag.name == "img"):
                self._picture(name, value)
            elif name == "href" and tag.name in ("a", "area"):
                self._link(value)
        self._pieces.append(">")

    def _attribute(self, name: str, value: str) -> None:
        self._pieces.append(f' {name}="{escape(value)}"')

    def _link(self, address: str) -> None:
        """Out of the frame, with no way back, and only to where a person may want to go."""
        address = _address(address)
        if address.startswith("#"):
            self._attribute("href", address)
        elif _LINK.match(address):
            self._attribute("href", address)
            self._pieces.append(' target="_blank" rel="noopener noreferrer"')

    def _picture(self, name: str, address: str) -> None:
        address = _address(address)
        if address[:4].lower() == "cid:":
            self._waiting.append((len(self._pieces), name, content_id(address[4:])))
            self._pieces.append("")
        elif _DATA.match(address) or self._is_wanted(address):
            self._attribute(name, address)

    def _is_wanted(self, address: str) -> bool:
        """Whether it leads elsewhere, which is counted, and may be kept."""
        if not _REMOTE.match(address):
            return False
        self.remote_pictures.add(address)
        return self._keep_remote

    def _css(self, text: str) -> str:
        """A style sheet or style attribute, without what it would fetch; one with an open end is cut there."""
        text, pieces, place = _CSS_IMPORT.sub("", text), [], 0
        while found := _CSS_URL.search(text, place):
            pieces.append(text[place : found.start()])
            end = text.find(found[1] or ")", found.end())
            closed = text.find(")", end) if end >= 0 else -1
            if closed < 0:
                place = len(text)
                break
            address, place = _address(text[found.end() : end]), closed + 1
            plain = '"' not in address and "\\" not in address
            kept = plain and (_DATA.match(address) or self._is_wanted(address))
            pieces.append(f'url("{address}")' if kept else "none")
        text = "".join(pieces) + text[place:]
        return text.replace("</", r"<\/")  # what was cut out of the middle must leave no end tag behind


def text_as_html(text: str) -> str:
    """A plain text as HTML that looks like it."""
    return f"<pre>{escape(text)}</pre>"


def content_id(text: str) -> str:
    """A Content-ID, or what stands after `cid:`, in the form that both are compared in (RFC 2392 section 2)."""
    return unquote(text).strip().removeprefix("<").removesuffix(">").lower()


def _address(text: str) -> str:
    """An address as a browser reads it: trimmed, line breaks and tabs inside it gone (WHATWG URL section 4.4)."""
    return text.strip(_EDGES).translate(_LINE_BREAKS)
