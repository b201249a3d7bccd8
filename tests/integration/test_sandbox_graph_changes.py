"""The imitation of Graph: marking, moving, deleting, answering and sending, and what each of them needs."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.support.sandbox_client import Client, Reply

SCOPES = ("User.Read", "Mail.ReadWrite", "Mail.Send")


@pytest.fixture
def token(client: Client) -> str:
    return str(client.sign_in("work", scopes=SCOPES)["access_token"])


def newest(client: Client, token: str, folder: str = "inbox") -> str:
    """The path of the newest message."""
    found = client.graph(f"/me/mailFolders/{folder}/messages?$top=1&$select=id", token).json["value"][0]
    return f"/me/messages/{quote(found['id'], safe='')}"


def refusal(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]


def test_a_message_is_marked_and_the_folder_counts_it(client: Client, token: str) -> None:
    path = newest(client, token)
    before = client.change("PATCH", path, token, {"isRead": False})
    assert (before.status, before.json["isRead"]) == (200, False)
    unread = client.graph("/me/mailFolders/inbox", token).json["unreadItemCount"]
    changed = client.change("PATCH", path, token, {"isRead": True, "flag": {"flagStatus": "flagged"}}).json
    assert (changed["isRead"], changed["flag"]) == (True, {"flagStatus": "flagged"})
    assert client.graph(path, token).json["isRead"] is True
    assert client.graph("/me/mailFolders/inbox", token).json["unreadItemCount"] == unread - 1


def test_what_only_drafts_may_change_is_refused(client: Client, token: str) -> None:
    path = newest(client, token)
    assert refusal(client.change("PATCH", path, token, {"subject": "x"})) == (400, "ErrorInvalidPropertySet")
    assert refusal(client.change("PATCH", path, token, {"isRead": "yes"})) == (400, "RequestBodyRead")
    assert refusal(client.change("PATCH", path, token, [])) == (400, "BadRequest")


def test_a_move_gives_another_id_and_the_old_one_is_gone(client: Client, token: str) -> None:
    path = newest(client, token)
    moved = client.change("POST", f"{path}/move", token, {"destinationId": "archive"})
    assert moved.status == 201
    assert refusal(client.graph(path, token)) == (404, "ErrorItemNotFound")
    assert newest(client, token, "archive").endswith(quote(moved.json["id"], safe=""))
    assert newest(client, token) != path


def test_a_deleted_message_lies_in_deleted_items_until_it_is_deleted_there(client: Client, token: str) -> None:
    subject = client.graph(newest(client, token), token).json["subject"]
    removed = client.change("DELETE", newest(client, token), token)
    assert (removed.status, removed.body) == (204, b"")
    assert "content-type" not in removed.headers
    there = newest(client, token, "deleteditems")
    assert client.graph(there, token).json["subject"] == subject
    assert client.change("DELETE", there, token).status == 204
    assert refusal(client.graph(there, token)) == (404, "ErrorItemNotFound")


def test_what_is_sent_or_answered_lies_in_sent_items(client: Client, token: str) -> None:
    letter = {"subject": "Hello", "toRecipients": [{"emailAddress": {"address": "x@y.example"}}]}
    assert client.change("POST", "/me/sendMail", token, {"message": letter}).status == 202
    assert client.graph(newest(client, token, "sentitems"), token).json["subject"] == "Hello"
    assert client.change("POST", f"{newest(client, token)}/reply", token, {"comment": "Yes."}).status == 202
    answer = client.graph(newest(client, token, "sentitems"), token).json
    assert answer["subject"].startswith("Re: ")
    assert answer["body"]["content"] == "Yes."
    assert refusal(client.change("POST", "/me/sendMail", token, {})) == (400, "ErrorInvalidRecipients")


def test_a_reset_undoes_it_all(client: Client, token: str) -> None:
    path = newest(client, token)
    client.change("DELETE", path, token)
    client.sandbox.control.reset()
    assert newest(client, token) == path


def test_without_the_permission_each_is_denied_and_other_methods_are_not_allowed(client: Client, token: str) -> None:
    reader = client.sign_in("personal")["access_token"]
    path = newest(client, token)
    for method, where in (("PATCH", path), ("DELETE", path), ("POST", f"{path}/move"), ("POST", f"{path}/reply")):
        assert refusal(client.change(method, where, reader, {})) == (403, "ErrorAccessDenied")
    assert refusal(client.change("POST", "/me/sendMail", reader, {})) == (403, "ErrorAccessDenied")
    assert refusal(client.change("PUT", path, token, {})) == (405, "Request_BadRequest")
    assert refusal(client.change("POST", "/$batch", token, {})) == (405, "Request_BadRequest")
