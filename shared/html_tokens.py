"""HTML cut into tokens as a browser does it, in one pass whose time grows with the length and with nothing else.

Standard: WHATWG HTML section 13.2.5 (tokenization), as far as a filter needs it: what is text, which tags there are
with which attributes, where raw text ends. What stands in a tag that never ends is dropped there, and here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from html.entities import html5

_SPACE = r" \t\n\r\f"
_MARKUP = re.compile(r"<(?=[a-z!?]|/.)", re.IGNORECASE | re.DOTALL)
_TAG_NAME = re.compile(rf"[a-z][^{_SPACE}/>]*", re.IGNORECASE)
_GAP = re.compile(rf"[{_SPACE}/]*")
_ATTRIBUTE_NAME = re.compile(rf"=?[^{_SPACE}/>=]*")
_EQUALS = re.compile(rf"[{_SPACE}]*=[{_SPACE}]*")
_UNQUOTED = re.compile(rf"[^{_SPACE}>]*")
_COMMENT_END = re.compile(r"--!?>")
_REFERENCE = re.compile(r"&(#[xX]?[0-9a-fA-F]+;?|[A-Za-z0-9]+;?)(=?)")
_RAW_TEXT = {
    name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}


@dataclass(frozen=True, slots=True)
class Text:
    """Text with its character references as they were; it holds no `<`."""

    html: str


@dataclass(frozen=True, slots=True)
class Start:
    """A start tag, its name and attributes' names in lower case, the first of each name, their values decoded.

    `raw` is what stands up to the end tag of an element whose content is no markup (a style sheet), else None.
    """

    name: str
    attributes: Mapping[str, str]
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """An end tag."""

    name: str


def tokens(html: str) -> Iterator[Text | Start | End]:
    """The tokens of a document, comments and declarations left out."""
    place = 0
    while place < len(html):
        markup = _MARKUP.search(html, place)
        opened = markup.start() if markup else len(html)
        if opened > place:
            yield Text(html[place:opened].replace("<", "&lt;"))
        if markup is None:
            return
        closing = html.startswith("/", opened + 1)
        name = _TAG_NAME.match(html, opened + 1 + closing)
        if name is None:
            place = _after_comment(html, opened)
            continue
        attributes: dict[str, str] = {}
        place = _after_tag(html, name.end(), attributes)
        if place < 0:
            return
        found = name[0].lower()
        if closing:
            yield End(found)
        elif found in _RAW_TEXT:
            end = _RAW_TEXT[found].search(html, place)
            yield Start(found, attributes, html[place : end.start() if end else len(html)])
            place = _after_tag(html, end.end(), {}) if end else -1
            if place < 0:
                return
        else:
            yield Start(found, attributes)


def _after_comment(html: str, opened: int) -> int:
    """The place after what is a comment to a browser and begins at `opened`: a declaration too, or `</` and no name."""
    if not html.startswith("<!--", opened):
        return html.find(">", opened) + 1 or len(html)
    if html.startswith((">", "->"), opened + 4):
        return html.index(">", opened) + 1
    end = _COMMENT_END.search(html, opened + 4)
    return end.end() if end else len(html)


def _after_tag(html: str, place: int, attributes: dict[str, str]) -> int:
    """The place after the tag whose name ends at `place`, -1 where it has no end; its attributes are put in."""
    while True:
        place += len(_taken(_GAP, html, place))
        if place >= len(html):
            return -1
        if html[place] == ">":
            return place + 1
        name = _taken(_ATTRIBUTE_NAME, html, place)
        value, place = _value(html, place + len(name))
        if place < 0:
            return -1
        attributes.setdefault(name.lower(), value)


def _value(html: str, place: int) -> tuple[str, int]:
    """The value of an attribute whose name ends at `place`, and the place after it; -1 where a quote never closes."""
    equals = _EQUALS.match(html, place)
    if equals is None:
        return "", place
    place = equals.end()
    quote = html[place : place + 1]
    if quote in ('"', "'"):
        end = html.find(quote, place + 1)
        return (_decoded(html[place + 1 : end]), end + 1) if end >= 0 else ("", -1)
    bare = _taken(_UNQUOTED, html, place)
    return _decoded(bare), place + len(bare)


def _taken(pattern: re.Pattern[str], html: str, place: int) -> str:
    """What a pattern takes at a place."""
    found = pattern.match(html, place)
    return found[0] if found else ""


def _decoded(value: str) -> str:
    """An attribute's value without character references. `&copy=1` in an address is none (section 13.2.5.73)."""
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _character(reference: re.Match[str]) -> str:
    name, equals = reference[1], reference[2]
    if name.startswith("#"):
        return unescape("&" + name) + equals
    known = html5.get(name)
    return reference[0] if known is None or (equals and not name.endswith(";")) else known + equals
