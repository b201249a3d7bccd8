"""Graph's mailbox as the app meets it on the wire."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from shared.wire import Answer
from tests.fakes.network import FakeNetwork, Request, json_answer

GRAPH = "https://graph.microsoft.com/v1.0"


class FakeGraph:
    """Answers lists, folders, single messages and `attachments` on a FakeNetwork.

    `files` are the bytes of attachments by id; `next_link` is the first page's, to the letter.
    """

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network
        self.messages: list[Any] = [{"id": f"message-{number}", "subject": f"Number {number}"} for number in range(3)]
        self.folders: list[Any] = [{"id": "folder-0", "displayName": "Inbox", "unreadItemCount": 2}]
        self.attachments: list[Any] = []
        self.files: dict[str, bytes] = {}
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
        if "/attachments" in name:
            return self._attachment(name.partition("/attachments")[2].strip("/"))
        if name != urlsplit(request.url).path:
            known = [message for message in self.messages if message.get("id") == unquote(name)]
            return json_answer(known[0]) if known else graph_error(404, "ErrorItemNotFound")
        folders = urlsplit(request.url).path.endswith(("/mailFolders", "/childFolders"))
        page: dict[str, Any] = {"@odata.context": "unused", "value": self.folders if folders else self.messages}
        if self.next_link is not None and "$skiptoken" not in request.query:
            page["@odata.nextLink"] = self.next_link
        return json_answer(page)

    def _attachment(self, rest: str) -> Answer:
        """The list where `rest` is empty; else `id` or `id/$value`."""
        if not rest:
            return json_answer({"@odata.context": "unused", "value": self.attachments})
        name, _, value = rest.partition("/")
        if value:
            content = self.files.get(unquote(name))
            return graph_error(405, "ErrorInvalidOperation") if content is None else Answer(200, {}, content)
        known = [entry for entry in self.attachments if entry.get("id") == unquote(name)]
        return json_answer(known[0]) if known else graph_error(404, "ErrorItemNotFound")


def graph_error(status: int, code: str, message: str = "What Graph says.", **headers: str) -> Answer:
    """An OData error as Graph words it."""
    inner = {"date": "2026-01-01T00:00:00", "request-id": "request-id-of-graph", "client-request-id": "unused"}
    return json_answer({"error": {"code": code, "message": message, "innerError": inner}}, status, **headers)
