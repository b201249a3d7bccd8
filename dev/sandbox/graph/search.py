"""$search of messages: Keyword Query Language, as far as people type it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dev.sandbox.graph.errors import bad_query

Message = Mapping[str, Any]

MOST_FOUND = 1000
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r'(?:(?P<field>[A-Za-z]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"():]+))\s*')
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "from": ("from",),
    "to": ("toRecipients",),
    "cc": ("ccRecipients",),
    "participants": ("from", "toRecipients", "ccRecipients"),
    "subject": ("subject",),
    "body": ("body",),
}
_DEFAULT = ("from", "subject", "body")


def parse_search(text: str) -> Callable[[Message], bool]:
    """What the option's value finds: words, phrases and `field:word`, all of which must hold.

    Raises GraphError 400 for a value without quotation marks, and for what is no such query.
    """
    match = _STRING.fullmatch(text)
    if match is None:
        raise bad_query(f"Syntax error: character '{text[:1]}' is not valid at position 0 in '{text}'.")
    query = re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL).strip()
    terms: list[tuple[tuple[str, ...], str]] = []
    position = 0
    while position < len(query):
        word = _WORD.match(query, position)
        if word is None or (word["field"] and word["field"].lower() not in _FIELDS):
            raise bad_query(f"Syntax error in the search query '{query}'.")
        position = word.end()
        if word["field"] is None and word["word"] == "AND":
            continue
        fields = _FIELDS[word["field"].lower()] if word["field"] else _DEFAULT
        terms.append((fields, (word["phrase"] or word["word"] or "").lower().rstrip("*")))
    if not terms:
        raise bad_query("The search query is empty.")
    return lambda message: all(wanted in _text(message, fields) for fields, wanted in terms)


def _text(message: Message, fields: tuple[str, ...]) -> str:
    return "\n".join(_words(message.get(field)) for field in fields).lower()


def _words(value: object) -> str:
    """Every text inside a property."""
    if isinstance(value, Mapping):
        return " ".join(_words(inner) for inner in value.values())
    if isinstance(value, list):
        return " ".join(_words(inner) for inner in value)
    return value if isinstance(value, str) else ""
