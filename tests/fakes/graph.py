"""Graph's mailbox as the app meets it on the wire."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from shared.wire import Answer
from tests.fakes.network import FakeNetwork, Request, json_answer

GRAPH = "https://graph.microsoft.com/v1.0"


class FakeGraph:
    """Answers lists, folders and single messages on a FakeNetwork. `next_link` is the first page's, to the letter."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network
        self.messages: list[Any] = [{"id": f"message-{number}", "subject": f"Number {number}"} for number in range(3)]
        self.folders: list[Any] = [{"id": "folder-0", "displayName": "Inbox", "unreadItemCount": 2}]
        self.next_link: Any = None
        network.answer(GRAPH, self._answer)

    def fails(self, *answers: Answer) -> None:
        """Let the next calls end so, one each."""
        self.network.answer_once(GRAPH, *answers)

    def sent(self) -> list[Request]:
        """The requests so far."""
        return self.network.sent(GRAPH)

    def _answer(self, request: Request) -> Answer:
        name = urlsplit(request.url).path.removeprefix("/v1.0/me/messages/")
        if name != urlsplit(request.url).path:
            known = [message for message in self.messages if message.get("id") == unquote(name)]
            return json_answer(known[0]) if known else graph_error(404, "ErrorItemNotFound")
        folders = urlsplit(request.url).path.endswith(("/mailFolders", "/childFolders"))
        page: dict[str, Any] = {"@odata.context": "unused", "value": self.folders if folders else self.messages}
        if self.next_link is not None and "$skiptoken" not in request.query:
            page["@odata.nextLink"] = self.next_link
        return json_answer(page)


def graph_error(status: int, code: str, message: str = "What Graph says.", **headers: str) -> Answer:
    """An OData error as Graph words it."""
    inner = {"date": "2026-01-01T00:00:00", "request-id": "request-id-of-graph", "client-request-id": "unused"}
    return json_answer({"error": {"code": code, "message": message, "innerError": inner}}, status, **headers)
