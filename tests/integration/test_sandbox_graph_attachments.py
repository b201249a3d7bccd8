"""The imitation of Graph: attachments, their properties by type, and their bytes."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from dev.sandbox.serving import Sandbox
from tests.support.sandbox_client import Client, Reply

CAST = "id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId"
FILE = {
    "@odata.type": "#microsoft.graph.fileAttachment",
    "id": "AAMkfile/1=",
    "name": "a.png",
    "contentType": "image/png",
    "isInline": False,
    "contentId": "a@x",
    "contentBytes": base64.b64encode(b"pixels").decode(),
}
ITEM = {"@odata.type": "#microsoft.graph.itemAttachment", "id": "item", "name": "Fwd", "contentType": None, "size": 9}
LINK = {"@odata.type": "#microsoft.graph.referenceAttachment", "id": "link", "name": "Plan.xlsx", "size": 9}
MADE_UP = {"id": "made-up", "name": "big.bin", "size": 5_000_130}


@pytest.fixture
def token(client: Client) -> str:
    return str(client.sign_in("work")["access_token"])


@pytest.fixture
def path(lone_sandbox: Sandbox) -> str:
    """The attachments of a message that has one of each."""
    message: dict[str, Any] = {"id": "AAMk/m=", "subject": "x", "attachments": [FILE, ITEM, LINK, MADE_UP]}
    lone_sandbox.control.mailbox("work", [message])
    return f"/me/messages/{quote('AAMk/m=', safe='')}/attachments"


def refusal(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]


def test_the_list_carries_the_bytes_unless_select_leaves_them_out(client: Client, token: str, path: str) -> None:
    whole = client.graph(path, token).json["value"]
    assert base64.b64decode(whole[0]["contentBytes"]) == b"pixels"
    chosen = client.graph(f"{path}?$select={CAST}", token).json["value"]
    assert [entry["id"] for entry in chosen] == ["AAMkfile/1=", "item", "link", "made-up"]
    assert [entry.get("contentId") for entry in chosen] == ["a@x", None, None, None]
    assert not [entry for entry in chosen if "contentBytes" in entry]
    assert chosen[0]["size"] > len(b"pixels")


def test_what_files_alone_have_must_be_cast(client: Client, token: str, path: str) -> None:
    assert refusal(client.graph(f"{path}?$select=id,contentId", token)) == (400, "RequestBroker--ParseUri")


def test_a_message_does_not_show_its_attachments_itself(client: Client, token: str, path: str) -> None:
    assert "attachments" not in client.graph(path.removesuffix("/attachments"), token).json


def test_each_kind_has_its_own_value(client: Client, token: str, path: str) -> None:
    file = client.graph(f"{path}/{quote('AAMkfile/1=', safe='')}/$value", token)
    assert (file.status, file.body, file.headers["content-type"]) == (200, b"pixels", "image/png")
    assert len(client.graph(f"{path}/made-up/$value", token).body) == 5_000_000
    assert client.graph(f"{path}/item/$value", token).text.startswith("Subject: Fwd")
    assert refusal(client.graph(f"{path}/link/$value", token)) == (405, "ErrorInvalidOperation")


def test_unknown_attachments_are_not_found(client: Client, token: str, path: str) -> None:
    assert refusal(client.graph(f"{path}/short", token)) == (400, "ErrorInvalidIdMalformed")
    assert refusal(client.graph(f"{path}/{'A' * 50}", token)) == (404, "ErrorItemNotFound")


def test_the_made_up_mailbox_has_the_attachments_that_it_says(client: Client, token: str) -> None:
    listed = client.graph("/me/messages?$top=200&$select=id,hasAttachments", token).json["value"]
    with_some = [message["id"] for message in listed if message["hasAttachments"]]
    assert with_some
    for message_id in with_some[:3]:
        found = client.graph(f"/me/messages/{quote(message_id, safe='')}/attachments?$select={CAST}", token).json
        assert all(entry["name"] and entry["size"] > 0 for entry in found["value"]) and found["value"]
