"""The imitation of Graph: profile, message lists and pages, one message, refusals."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import pytest

from tests.support.sandbox_client import Client, Reply, fetch

type Get = Callable[..., Reply]


@pytest.fixture
def get(client: Client) -> Get:
    """GET from Graph as the work account: get(path, headers)."""
    access_token = client.sign_in("work")["access_token"]

    def get(path: str, headers: dict[str, str] | None = None) -> Reply:
        return client.graph(path, access_token, headers)

    return get


def test_me_is_the_signed_in_person(get: Get) -> None:
    profile = get("/me").json
    assert profile["displayName"] == "Maren Solberg"
    assert profile["mail"] == profile["userPrincipalName"] == "maren.solberg@fjordlight.example"
    assert profile["@odata.context"].endswith("/v1.0/$metadata#users/$entity")
    assert set(get("/me?$select=displayName,id").json) == {"@odata.context", "displayName", "id"}


def test_a_guest_has_an_ext_name_and_no_mailbox(client: Client) -> None:
    access_token = client.sign_in("guest")["access_token"]
    assert "#EXT#@" in client.graph("/me", access_token).json["userPrincipalName"]
    reply = client.graph("/me/messages", access_token)
    assert error_of(reply) == (404, "MailboxNotEnabledForRESTAPI")


def test_a_personal_account_has_another_id_than_in_its_id_token(client: Client) -> None:
    result = client.sign_in("personal")
    profile = client.graph("/me", result["access_token"]).json
    assert re.fullmatch(r"[0-9a-f]{16}", profile["id"])
    assert profile["id"] != result["id_token_claims"]["oid"]


def test_one_message_has_recipients_and_a_body(get: Get) -> None:
    listed = get("/me/messages?$top=1&$select=id").json["value"][0]
    message = get(f"/me/messages/{quote(listed['id'], safe='')}").json
    assert message["@odata.context"].endswith("/messages/$entity")
    assert message["id"] == listed["id"]
    assert message["body"]["contentType"] == "html"
    assert message["toRecipients"][0]["emailAddress"]["address"] == "maren.solberg@fjordlight.example"
    assert "internetMessageHeaders" not in message


def test_a_text_body_is_given_when_preferred_and_acknowledged(get: Get) -> None:
    message_id = get("/me/messages?$top=1&$select=id").json["value"][0]["id"]
    path = f"/me/messages/{quote(message_id, safe='')}"
    reply = get(path, {"Prefer": 'outlook.body-content-type="text", something-else'})
    assert reply.headers["preference-applied"] == 'outlook.body-content-type="text"'
    assert reply.json["body"]["contentType"] == "text"
    assert "<p" not in reply.json["body"]["content"]
    assert "preference-applied" not in get(path, {"Prefer": "something-else"}).headers


def test_immutable_ids_are_other_ids_of_the_same_message(get: Get) -> None:
    reply = get("/me/messages?$top=5&$select=subject", {"Prefer": 'IdType="ImmutableId"'})
    assert reply.headers["preference-applied"] == 'IdType="ImmutableId"'
    ordinary = get("/me/messages?$top=5&$select=subject").json["value"]
    for immutable, mutable in zip(reply.json["value"], ordinary, strict=True):
        assert immutable["id"] != mutable["id"]
        opened = get(f"/me/messages/{quote(immutable['id'], safe='')}", {"Prefer": 'IdType="ImmutableId"'}).json
        assert (opened["id"], opened["subject"]) == (immutable["id"], mutable["subject"])


@pytest.mark.parametrize("message_id", ["AAMkAD/x+y==", "AAMk-_z=", "a%2Fb", "q?r#s", "x'y", "ä/🦀"])
def test_ids_are_the_last_segment_decoded_once(client: Client, message_id: str) -> None:
    client.sandbox.control.mailbox("work", [{"id": message_id, "subject": "found"}])
    access_token = client.sign_in()["access_token"]
    reply = client.graph(f"/me/messages/{quote(message_id, safe='')}", access_token)
    assert (reply.status, reply.json["subject"]) == (200, "found")


def test_an_unencoded_slash_is_another_path(get: Get) -> None:
    assert error_of(get("/me/messages/AAMkAD/x+y==")) == (400, "BadRequest")


def test_unknown_ids_are_malformed_or_gone(get: Get) -> None:
    assert error_of(get("/me/messages/short")) == (400, "ErrorInvalidIdMalformed")
    reply = get(f"/me/messages/{'A' * 150}=")
    assert error_of(reply) == (404, "ErrorItemNotFound")
    assert "innerError" not in reply.json["error"]


def test_ids_are_case_sensitive(get: Get) -> None:
    first, second = (message["id"] for message in get("/me/messages?$top=2&$select=id").json["value"])
    assert first != second
    assert first.lower() == second.lower()
    subjects = {get(f"/me/messages/{quote(each, safe='')}").json["subject"] for each in (first, second)}
    assert len(subjects) == 2


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "Access token is empty."),
        ("Bearer ", "Access token is empty."),
        ("Basic abc", "Access token is empty."),
        ("Bearer not-a-token", "CompactToken parsing failed with error code: 80049217"),
    ],
)
def test_graph_refuses_what_is_no_token(client: Client, authorization: str | None, message: str) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    reply = fetch(f"{client.sandbox.http_url}/v1.0/me/messages", headers=headers)
    assert error_of(reply) == (401, "InvalidAuthenticationToken")
    assert reply.json["error"]["message"] == message
    assert reply.headers["www-authenticate"].startswith("Bearer ")


def test_expired_tokens_are_refused_in_the_words_of_their_kind(client: Client) -> None:
    work, personal = client.sign_in("work")["access_token"], client.sign_in("personal")["access_token"]
    client.sandbox.control.expire("work")
    assert "the token is expired" in client.graph("/me/messages", work).json["error"]["message"]
    assert client.graph("/me/messages", personal).status == 200
    client.sandbox.control.expire()
    assert "80049228" in client.graph("/me/messages", personal).json["error"]["message"]
    assert client.graph("/me/messages", client.sign_in("work")["access_token"]).status == 200


def test_tokens_expire_by_the_sandboxs_clock(client: Client) -> None:
    client.sandbox.control.settings(expires_in=100)
    access_token = client.sign_in()["access_token"]
    client.sandbox.control.clock(99)
    assert client.graph("/me/messages", access_token).status == 200
    client.sandbox.control.clock(101)
    assert client.graph("/me/messages", access_token).status == 401


def test_mail_needs_a_mail_permission(client: Client) -> None:
    form = client.redeemable() | {"scope": "User.Read"}
    client.sandbox.control.reset()
    access_token = client.token(form).json["access_token"]
    assert client.graph("/me", access_token).status == 200
    assert error_of(client.graph("/me/messages", access_token)) == (403, "ErrorAccessDenied")


@pytest.mark.parametrize("path", ["/users", "/me/drive", "/me/messages/a/b", "/me/mailFolders/inbox/rules", "/"])
def test_unknown_paths_are_refused(get: Get, path: str) -> None:
    assert error_of(get(path)) == (400, "BadRequest")


def test_other_methods_are_refused(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.sign_in()['access_token']}"}
    reply = fetch(f"{client.sandbox.http_url}/v1.0/me/messages", method="DELETE", headers=headers)
    assert error_of(reply) == (405, "Request_BadRequest")


def test_answers_carry_graphs_headers(get: Get) -> None:
    own = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    reply = get("/me/messages?$top=1", {"client-request-id": own})
    assert reply.headers["client-request-id"] == own
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.headers["request-id"])
    assert reply.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    assert "ServerInfo" in reply.headers["x-ms-ags-diagnostic"]
    assert reply.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in reply.headers
    refused = get("/me/messages?$top=0", {"client-request-id": own})
    inner = refused.json["error"]["innerError"]
    assert (inner["request-id"], inner["client-request-id"]) == (refused.headers["request-id"], own)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inner["date"])


def test_answers_are_compressed_when_asked(get: Get) -> None:
    plain, packed = get("/me/messages"), get("/me/messages", {"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.body == plain.body


def test_a_fifth_request_at_once_for_one_mailbox_is_throttled(client: Client) -> None:
    work, personal = client.sign_in("work")["access_token"], client.sign_in("personal")["access_token"]
    client.sandbox.control.settings(graph_delay=20)
    waiting = []
    for _ in range(4):
        connection = http.client.HTTPConnection(urlsplit(client.sandbox.http_url).netloc)
        connection.request("GET", "/v1.0/me/messages", headers={"Authorization": f"Bearer {work}"})
        waiting.append(connection)
    wait_for(lambda: client.sandbox.control.stats()["graph_at_once"].get("work") == 4)
    client.sandbox.control.settings(graph_delay=0)
    reply = client.graph("/me/messages", work)
    assert error_of(reply) == (429, "ApplicationThrottled")
    assert reply.headers["retry-after"] == "1"
    assert "innerError" not in reply.json["error"]
    assert client.graph("/me/messages", personal).status == 200
    assert client.sandbox.control.stats()["graph_at_once"] == {"work": 5, "personal": 1}
    for connection in waiting:
        connection.close()


def error_of(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Poll until it holds."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen in time")
