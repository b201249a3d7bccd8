"""Mail at Microsoft Graph: lists of messages, and one message."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from shared import graph_errors
from shared.clock import Deadline
from shared.graph import Access, Graph

LIST_FIELDS = "id,subject,from,sender,receivedDateTime,isRead,isDraft,hasAttachments,bodyPreview,importance,flag"
MESSAGE_FIELDS = LIST_FIELDS + ",toRecipients,ccRecipients,body"


class Mail:
    """Mail of the person to whom the access token belongs. Methods raise what Graph's do."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def messages(self, access: Access, top: int, deadline: Deadline) -> tuple[list[Any], str | None]:
        """The newest messages of the inbox, and the link to the next page. `top` from 1 to 50."""
        path = f"/me/mailFolders/inbox/messages?$top={top}&$select={LIST_FIELDS}&$orderby=receivedDateTime%20desc"
        return self._graph.page(self._graph.endpoint + path, access, deadline)

    def next_messages(self, access: Access, link: str, deadline: Deadline) -> tuple[list[Any], str | None]:
        """The page that an earlier one named, by its link to the letter."""
        return self._graph.page(link, access, deadline)

    def message(self, access: Access, message_id: str, deadline: Deadline) -> dict[str, Any]:
        """One message with its body as text. Raises MessageNotFound too."""
        url = f"{self._graph.endpoint}/me/messages/{quote(message_id, safe='')}?$select={MESSAGE_FIELDS}"
        found = self._graph.get(url, access, deadline, prefer='outlook.body-content-type="text"')
        if not isinstance(found.get("id"), str):
            raise graph_errors.GraphBadAnswer
        return found
