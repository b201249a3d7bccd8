"""OData query options of message collections: $top, $skip, $select, $orderby, $filter, $search, $count."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from dev.sandbox.graph.errors import GraphError, bad_query, search_with, too_complex
from dev.sandbox.graph.search import parse_search

DEFAULT_TOP = 10
MESSAGE_PROPERTIES = frozenset(
    (
        *("id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "receivedDateTime"),
        *("sentDateTime", "hasAttachments", "internetMessageId", "subject", "bodyPreview", "importance"),
        *("parentFolderId", "conversationId", "conversationIndex", "isDeliveryReceiptRequested"),
        *("isReadReceiptRequested", "isRead", "isDraft", "webLink", "inferenceClassification", "body", "sender"),
        *("from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "flag", "internetMessageHeaders"),
        "uniqueBody",
    )
)
OPTIONS = frozenset({"$top", "$skip", "$select", "$orderby", "$filter", "$count", "$skiptoken", "$search"})

Message = Mapping[str, Any]
Predicate = Callable[[Message], bool]
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
_TERM = re.compile(
    r"(?P<path>[A-Za-z/]+) (?P<operator>eq|ne|ge|gt|le|lt) (?P<value>'(?:[^']|'')*'|[^ ']+)"
    r"|startswith\((?P<start_path>[A-Za-z/]+), ?(?P<start_value>'(?:[^']|'')*')\)"
)


@dataclass(frozen=True)
class ListQuery:
    """A valid query on a collection of messages. `searched`: by date sent, at most 1000, and paged by $skiptoken."""

    top: int
    skip: int
    select: tuple[str, ...] | None
    oldest_first: bool
    matches: Predicate | None
    count: bool
    searched: bool = False


def parse_list_query(raw_query: str) -> ListQuery:
    """Read the options. Raises GraphError 400 for what Graph refuses."""
    options = _options(raw_query)
    if "$search" in options:
        return _search_query(options)
    terms = _filter_terms(options["$filter"]) if "$filter" in options else None
    return ListQuery(
        top=_whole_number("$top", options.get("$top", str(DEFAULT_TOP)), 1, 1000),
        skip=_whole_number("$skip", options.get("$skip", "0"), 0, 10_000_000),
        select=parse_select(options.get("$select")),
        oldest_first=_oldest_first(options.get("$orderby"), terms),
        matches=(lambda message: all(term(message) for _, term in terms)) if terms is not None else None,
        count=options.get("$count", "false").lower() == "true",
    )


@dataclass(frozen=True)
class Page:
    """Which part of a collection is wanted."""

    top: int
    skip: int


def parse_page(raw_query: str) -> Page:
    """$top and $skip of any collection. Raises GraphError 400."""
    options = _options(raw_query)
    return Page(
        top=_whole_number("$top", options.get("$top", str(DEFAULT_TOP)), 1, 1000),
        skip=_whole_number("$skip", options.get("$skip", "0"), 0, 10_000_000),
    )


def _search_query(options: Mapping[str, str]) -> ListQuery:
    for name in ("$orderby", "$filter", "$skip"):
        if name in options:
            raise search_with(name)
    return ListQuery(
        top=_whole_number("$top", options.get("$top", str(DEFAULT_TOP)), 1, 1000),
        skip=_whole_number("$skiptoken", options.get("$skiptoken", "0"), 0, 10_000_000),
        select=parse_select(options.get("$select")),
        oldest_first=False,
        matches=parse_search(options["$search"]),
        count=options.get("$count", "false").lower() == "true",
        searched=True,
    )


def parse_select(
    select: str | None, known: frozenset[str] = MESSAGE_PROPERTIES, kind: str = "message"
) -> tuple[str, ...] | None:
    """The selected properties. Raises GraphError 400 for one that is not `known` of this kind."""
    if not select:
        return None
    names = tuple(name.strip() for name in select.split(","))
    for name in names:
        if name not in known:
            text = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
            raise GraphError(400, "RequestBroker--ParseUri", text)
    return names


def _options(raw_query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        if not name.startswith("$"):
            continue  # Graph ignores custom query options
        if name not in OPTIONS:
            raise bad_query(f"The query specified in the URI is not valid. Query option '{name}' is not supported.")
        if name in options:
            raise bad_query(f"Query option '{name}' was specified more than once.")
        options[name] = value
    return options


def _whole_number(name: str, value: str, lowest: int, highest: int) -> int:
    if not re.fullmatch(r"\d{1,8}", value) or not lowest <= int(value) <= highest:
        text = f"Invalid value '{value}' for {name} query option found. The {name} query option requires an integer "
        raise bad_query(f"{text}between {lowest} and {highest}.")
    return int(value)


def _oldest_first(orderby: str | None, terms: list[tuple[str, Predicate]] | None) -> bool:
    """Newest first, unless asked otherwise; a filter alone turns it round. A filter must name what is ordered by."""
    if not orderby:
        return terms is not None
    name, _, direction = orderby.strip().partition(" ")
    if name != "receivedDateTime" or direction.strip() not in ("", "asc", "desc"):
        raise bad_query("OrderBy not supported.")
    if terms is not None and terms[0][0] != name:
        raise too_complex()
    return direction.strip() != "desc"


def _filter_terms(expression: str) -> list[tuple[str, Predicate]]:
    terms = []
    position = 0
    while True:
        match = _TERM.match(expression, position)
        if match is None:
            raise bad_query(f"Invalid filter clause: {expression}")
        terms.append(_term(match))
        position = match.end()
        if position == len(expression):
            return terms
        if expression[position : position + 5] != " and ":
            raise too_complex()
        position += 5


def _term(match: re.Match[str]) -> tuple[str, Predicate]:
    if match["start_path"]:
        path, start = match["start_path"], str(_literal(match["start_value"])).lower()
        return path, lambda message: str(_value(message, path) or "").lower().startswith(start)
    path, compare, wanted = match["path"], _COMPARISONS[match["operator"]], _literal(match["value"])

    def holds(message: Message) -> bool:
        value = _value(message, path)
        if isinstance(value, str) and isinstance(wanted, str):
            return compare(value.lower(), wanted.lower())
        return type(value) is type(wanted) and compare(value, wanted)

    return path, holds


def _literal(text: str) -> object:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False, "null": None}.get(text, text)


def _value(message: Message, path: str) -> object:
    value: object = message
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
