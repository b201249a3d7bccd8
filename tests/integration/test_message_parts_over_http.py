"""A message's body and attachments through the running app, byte for byte and header for header."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import BrowserClient

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LARGE = hashlib.shake_256(b"large").digest(4 * 1024 * 1024)
FRAME = {"Sec-Fetch-Dest": "iframe"}
FILE = "#microsoft.graph.fileAttachment"


def file(name: str | None, content_id: str | None, content: bytes, **changes: Any) -> dict[str, Any]:
    return {
        "@odata.type": FILE,
        "id": f"{name}/+=",
        "name": name,
        "contentId": content_id,
        "contentBytes": base64.b64encode(content).decode(),
        **changes,
    }


MESSAGE: dict[str, Any] = {
    "id": "AAMkAD/x+y==",
    "subject": "Pictures",
    "hasAttachments": False,
    "body": {
        "contentType": "html",
        "content": '<p>Logo <img src="cid:image001.png@01DA"> <img src="CID:logo"> <img src="cid:gone@x">'
        '<img src="http://127.0.0.1:9/pixel"></p>',
    },
    "attachments": [
        file("image001.png", "image001.png@01DA", PNG, isInline=False),
        file("logo", "<logo>", PNG, isInline=True),
        {"@odata.type": "#microsoft.graph.itemAttachment", "id": "item", "name": "Fwd: minutes"},
        {"@odata.type": "#microsoft.graph.referenceAttachment", "id": "link", "name": "Plan", "sourceUrl": "https://x"},
        file("Großes 議事録.bin", None, LARGE),
        {"@odata.type": "#microsoft.graph.newKind", "id": "new", "name": None},
    ],
}


@pytest.fixture
def browser(app: App, sandbox: Sandbox, sign_in: SignIn) -> BrowserClient:
    sandbox.control.mailbox("work", [MESSAGE])
    return sign_in(app)


def path(app: App, browser: BrowserClient) -> str:
    listed = browser.fetch(f"{app.url}/api/messages").json()["messages"]
    return f"{app.url}/api/messages/{listed[0]['id']}"


def test_pictures_show_and_every_attachment_is_listed_and_large_ones_arrive_whole(
    app: App, browser: BrowserClient
) -> None:
    message = path(app, browser)
    body = browser.navigate(f"{message}/body", "same-origin", FRAME)
    assert body.status == 200
    assert body.header("content-type") == "text/html; charset=utf-8"
    assert body.header("server-timing") == 'remote-pictures;desc="1"'
    picture = f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}">'
    assert body.text.endswith(f"<p>Logo {picture} {picture} <img><img></p>")
    listed = browser.fetch(f"{message}/attachments").json()["attachments"]
    assert [entry["kind"] for entry in listed] == ["file", "file", "item", "reference", "file", "unknown"]
    large = browser.navigate(f"{message}/attachments/{listed[4]['id']}")
    assert hashlib.sha256(large.body).digest() == hashlib.sha256(LARGE).digest()
    assert large.header("content-type") == "application/octet-stream"
    assert large.header("content-disposition") == (
        "attachment; filename=\"Gro_es ___.bin\"; filename*=UTF-8''Gro%C3%9Fes%20%E8%AD%B0%E4%BA%8B%E9%8C%B2.bin"
    )
    assert browser.fetch(f"{message}/attachments/{listed[2]['id']}").json()["code"] == "attachment_without_file"
    assert browser.fetch(f"{message}/attachments/{listed[3]['id']}").json()["code"] == "attachment_without_file"


def test_a_body_beyond_what_is_shown_is_refused_and_one_of_seven_million_characters_is_not(
    app: App, sandbox: Sandbox, browser: BrowserClient
) -> None:
    picture = '<img src="data:image/png;base64,' + "A" * 160_000 + '">'
    newsletter = "<p>First words</p>" + picture * 40 + "<div>" * 30_000
    whole = {"contentType": "html", "content": newsletter}
    beyond = {"contentType": "html", "content": newsletter * 2}
    sandbox.control.mailbox("work", [MESSAGE | {"body": whole}])
    first = browser.navigate(f"{path(app, browser)}/body", "same-origin", FRAME)
    assert (first.status, "First words" in first.text) == (200, True)
    sandbox.control.mailbox("work", [MESSAGE | {"body": beyond}])
    second = browser.navigate(f"{path(app, browser)}/body", "same-origin", FRAME)
    assert second.status == 413
    assert "message_too_large" in second.text
