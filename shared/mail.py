"""Mail at Microsoft Graph: lists of messages, one message, folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared import errors, graph_errors
from shared.clock import Deadline
from shared.graph import Access, Graph

WELL_KNOWN_FOLDERS = ("inbox", "drafts", "sentitems", "deleteditems", "archive", "junkemail", "outbox")
"""The folders that Graph knows by name, whatever they are called in the person's language."""
LIST_FIELDS = (
    *("id", "subject", "from", "sender", "toRecipients", "receivedDateTime", "isRead", "isDraft", "hasAttachments"),
    *("bodyPreview", "importance", "flag", "parentFolderId"),
)
MESSAGE_FIELDS = (
    *LIST_FIELDS,
    *("ccRecipients", "bccRecipients", "replyTo", "sentDateTime", "internetMessageId", "conversationId", "categories"),
    "body",
)
HEADERS_FIELD = "internetMessageHeaders"
FOLDER_FIELDS = ("id", "displayName", "parentFolderId", "childFolderCount", "unreadItemCount", "totalItemCount")

_IMMUTABLE = 'IdType="ImmutableId"'
# Graph sorts a filtered list only by what the filter names first; else it is an InefficientFilter.
_NEWEST_FIRST = "$orderby=receivedDateTime%20desc"
_UNREAD = "$filter=receivedDateTime%20ge%201900-01-01T00:00:00Z%20and%20isRead%20eq%20false"


@dataclass(frozen=True)
class Wanted:
    """Which messages a list has: of `folder` (a well-known name or Graph's id; None is the whole mailbox).

    `search` is in Keyword Query Language and goes without `unread`: Graph takes no $filter beside $search.
    """

    folder: str | None
    unread: bool
    search: str | None
    top: int


class Mail:
    """Mail of the person to whom the access token belongs. Methods raise what Graph's do.

    Ids are immutable ones, which outlive a move to another folder; in lists that were searched for they are not.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def messages(self, access: Access, wanted: Wanted, deadline: Deadline) -> tuple[list[Any], str | None]:
        """A list's first page, newest first, and the link to the next one.

        Raises FolderNotFound too, and InvalidRequest where Graph does not understand the search.
        """
        inside = "/me" if wanted.folder is None else f"/me/mailFolders/{quote(wanted.folder, safe='')}"
        query = [f"$top={wanted.top}", f"$select={','.join(LIST_FIELDS)}"]
        if wanted.search is None:
            query += [_UNREAD, _NEWEST_FIRST] if wanted.unread else [_NEWEST_FIRST]
        else:
            query.append(f"$search={quote(_quoted(wanted.search), safe='')}")
        try:
            return self._list(f"{self._graph.endpoint}{inside}/messages?{'&'.join(query)}", access, deadline)
        except graph_errors.GraphRefused as problem:
            if wanted.search is None:
                raise
            raise errors.InvalidRequest(
                "Microsoft does not understand this `search`.",
                graph_code=problem.graph_code,
                request_id=problem.request_id,
            ) from None

    def next_messages(self, access: Access, link: str, deadline: Deadline) -> tuple[list[Any], str | None]:
        """The page that an earlier one named, by its link to the letter."""
        return self._list(link, access, deadline)

    def _list(self, url: str, access: Access, deadline: Deadline) -> tuple[list[Any], str | None]:
        # Graph cuts its answer short where a search is to have immutable ids.
        searched = "$search=" in url or "%24search=" in url
        prefer = None if searched else _IMMUTABLE
        return self._graph.page(url, access, deadline, prefer=prefer, missing=graph_errors.FolderNotFound)

    def message(self, access: Access, message_id: str, headers: bool, deadline: Deadline) -> dict[str, Any]:
        """One message with its body as text, and with its internet `headers` if wanted. Raises MessageNotFound too."""
        fields = (*MESSAGE_FIELDS, HEADERS_FIELD) if headers else MESSAGE_FIELDS
        url = f"{self._graph.endpoint}/me/messages/{quote(message_id, safe='')}?$select={','.join(fields)}"
        prefer = f'outlook.body-content-type="text", {_IMMUTABLE}'
        found = self._graph.get(url, access, deadline, prefer=prefer)
        if not isinstance(found.get("id"), str):
            raise graph_errors.GraphBadAnswer
        return found

    def folders(self, access: Access, parent: str | None, top: int, deadline: Deadline) -> tuple[list[Any], str | None]:
        """The folders directly below `parent` (None: below the root), and the link to the next page.

        Raises FolderNotFound too.
        """
        inside = "/me/mailFolders" if parent is None else f"/me/mailFolders/{quote(parent, safe='')}/childFolders"
        return self.next_folders(
            access, f"{self._graph.endpoint}{inside}?$top={top}&$select={','.join(FOLDER_FIELDS)}", deadline
        )

    def next_folders(self, access: Access, link: str, deadline: Deadline) -> tuple[list[Any], str | None]:
        """The page that an earlier one named, by its link to the letter."""
        return self._graph.page(link, access, deadline, missing=graph_errors.FolderNotFound)


def _quoted(search: str) -> str:
    """The search as the string that $search takes; quotation marks inside stay those of a phrase."""
    escaped = search.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
