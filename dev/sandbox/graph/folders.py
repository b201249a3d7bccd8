"""The folders of a mailbox: the same tree in each, with counts of what lies in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dev.sandbox.graph import errors
from dev.sandbox.graph.mailbox import Item

ROOT = "msgfolderroot"


@dataclass(frozen=True)
class Folder:
    """A folder. `name` is its well-known name in lower case, or one that only the sandbox knows."""

    name: str
    display_name: str
    parent: str = ROOT
    well_known: bool = True

    @property
    def id(self) -> str:
        """Its id, which never changes."""
        return folder_id(self.name)


def folder_id(name: str) -> str:
    """As long as Graph's; with characters that a path must encode."""
    return f"AQMkAD{name}".ljust(60, "A") + "/+AAA="


FOLDERS = (
    Folder("inbox", "Inbox"),
    Folder("drafts", "Drafts"),
    Folder("sentitems", "Sent Items"),
    Folder("deleteditems", "Deleted Items"),
    Folder("archive", "Archive"),
    Folder("junkemail", "Junk Email"),
    Folder("outbox", "Outbox"),
    Folder("projects", "Projects", "inbox", well_known=False),
    Folder("lighthouse", "Lighthouse", "projects", well_known=False),
)
_PROPERTIES = ("displayName", "parentFolderId", "childFolderCount", "unreadItemCount", "totalItemCount", "isHidden")
PROPERTIES = frozenset({"id", "sizeInBytes", *_PROPERTIES})


def find_folder(name_or_id: str) -> Folder | None:
    """By well-known name in any case, or by id, which is case-sensitive."""
    for folder in FOLDERS:
        if folder.id == name_or_id or (folder.well_known and folder.name == name_or_id.lower()):
            return folder
    return None


def known_folder(folder: str) -> Folder:
    """The same. Raises GraphError where there is none."""
    found = find_folder(folder)
    if found is None:
        raise errors.malformed_id() if len(folder) < 40 else errors.item_not_found()
    return found


def below(parent: str) -> list[Folder]:
    """The folders directly below one."""
    return [folder for folder in FOLDERS if folder.parent == parent]


def shown_folder(folder: Folder, items: Iterable[Item], select: Iterable[str] | None) -> dict[str, Any]:
    """A folder with the selected properties and its id."""
    inside = [item for item in items if item.folder == folder.name and not item.hidden]
    shown = {
        "id": folder.id,
        "displayName": folder.display_name,
        "parentFolderId": folder_id(folder.parent),
        "childFolderCount": len(below(folder.name)),
        "unreadItemCount": sum(item.message.get("isRead") is False for item in inside),
        "totalItemCount": len(inside),
        "sizeInBytes": 20_000 * len(inside),
        "isHidden": False,
    }
    return shown if select is None else {name: shown[name] for name in dict.fromkeys(("id", *select))}
