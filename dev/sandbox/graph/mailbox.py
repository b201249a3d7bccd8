"""One mailbox: messages in Graph's order, and the pages that are cut from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.sandbox.graph.query import ListQuery, Message
from dev.sandbox.graph.search import MOST_FOUND
from dev.sandbox.html_to_text import html_to_text

_ALWAYS = ("@odata.type", "@odata.etag", "id")


@dataclass(frozen=True)
class Item:
    """A message as it is stored. `hidden` ones are counted by $skip but never shown, as Graph does with chat items."""

    message: Message
    folder: str = "inbox"
    immutable_id: str | None = None
    hidden: bool = False
    attachments: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class View:
    """How messages are to be shown: the caller's Prefer headers."""

    body_as_text: bool = False
    immutable_ids: bool = False


class Mailbox:
    """Items newest first; messages that a test put there keep the order they were given in."""

    def __init__(self, items: Sequence[Item], first_next_link: str | None = None) -> None:
        self.items = items
        self.first_next_link = first_next_link
        self.changed = False
        self.pages: dict[object, bytes] = {}
        self._index()

    def put(self, old: Item | None, new: Item | None) -> None:
        """Put an item in the place of another one; without an old one at the top, without a new one it goes."""
        kept = [new if item is old else item for item in self.items]
        self.items = [item for item in ([new, *kept] if old is None else kept) if item is not None]
        self.changed = True
        self.pages.clear()
        self._index()

    def _index(self) -> None:
        self._by_id: dict[str, Item] = {}
        for item in self.items:
            for message_id in (item.message.get("id"), item.immutable_id):
                if isinstance(message_id, str) and not item.hidden:
                    self._by_id.setdefault(message_id, item)

    def page(self, folder: str | None, query: ListQuery, view: View) -> tuple[list[dict[str, Any]], int | None, int]:
        """One page, the $skip of the next one (None on the last), and how many match in all."""
        items = [item for item in self.items if folder is None or item.folder == folder]
        if query.matches is not None:
            items = [item for item in items if query.matches(item.message)]
        if query.searched:
            items = sorted(items, key=lambda item: str(item.message.get("sentDateTime")), reverse=True)[:MOST_FOUND]
        if query.oldest_first:
            items.reverse()
        shown: list[dict[str, Any]] = []
        position = query.skip
        while position < len(items) and len(shown) < query.top:
            if not items[position].hidden:
                shown.append(shown_message(items[position], query.select, view))
            position += 1
        more = any(not item.hidden for item in items[position:])
        return shown, position if more else None, sum(not item.hidden for item in items)

    def find(self, message_id: str) -> Item | None:
        """By either of its ids; ids are case-sensitive."""
        return self._by_id.get(message_id)


def shown_message(item: Item, select: Iterable[str] | None, view: View) -> dict[str, Any]:
    """A message with the selected properties, its etag and its id."""
    message = dict(item.message)
    if view.immutable_ids and item.immutable_id:
        message["id"] = item.immutable_id
    if select is not None:
        names = (*_ALWAYS, *select)
        message = {name: message[name] for name in dict.fromkeys(names) if name in message}
    else:
        message.pop("internetMessageHeaders", None)
    if view.body_as_text and "body" in message:
        message["body"] = _as_text(message["body"])
    return message


def _as_text(body: Any) -> Any:
    if not isinstance(body, Mapping) or str(body.get("contentType")).lower() != "html":
        return body
    return {"contentType": "text", "content": html_to_text(str(body.get("content") or ""))}


def encode(document: object) -> bytes:
    """UTF-8 JSON; a lone surrogate, which UTF-8 does not have, makes the whole document ASCII."""
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(document, separators=(",", ":")).encode()
