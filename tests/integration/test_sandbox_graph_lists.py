"""Lists of messages from the imitation of Graph: pages, filters, mailboxes that a test filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

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


def test_a_list_has_ten_messages_newest_first_unless_told_otherwise(get: Get) -> None:
    page = get("/me/messages").json
    dates = [message["receivedDateTime"] for message in page["value"]]
    assert len(dates) == 10
    assert dates == sorted(dates, reverse=True)
    assert list(page) == ["@odata.context", "value", "@odata.nextLink"]


def test_select_leaves_id_and_etag(get: Get) -> None:
    page = get("/me/messages?$select=subject,from&$top=5").json
    assert page["@odata.context"].endswith("/messages(subject,from)")
    ordinary = [message for message in page["value"] if "@odata.type" not in message and "from" in message]
    assert all(set(message) == {"@odata.etag", "id", "subject", "from"} for message in ordinary)
    assert ordinary


def test_following_next_links_shows_every_message_once(get: Get) -> None:
    ids: list[str] = []
    path: str | None = "/me/messages?$top=25&$select=subject&$count=true"
    pages = 0
    count = 0
    while path is not None:
        page = get(path).json
        ids += [message["id"] for message in page["value"]]
        count = page["@odata.count"]
        link = page.get("@odata.nextLink")
        path = link.partition("/v1.0")[2] if link else None
        pages += 1
    assert len(ids) == len(set(ids)) == count >= 200
    assert pages == -(-count // 25)


def test_skip_in_a_next_link_can_be_larger_than_what_was_received(get: Get) -> None:
    link = get("/me/messages?$top=100&$select=subject").json["@odata.nextLink"]
    match = re.search(r"%24skip=(\d+)", link)
    assert match and int(match[1]) > 100


def test_a_next_link_leads_back_to_the_listener_that_was_asked(client: Client) -> None:
    access_token = client.sign_in()["access_token"]
    sandbox = client.sandbox
    for base in (sandbox.http_url, sandbox.https_url):
        headers = {"Authorization": f"Bearer {access_token}"}
        page = fetch(f"{base}/v1.0/me/messages?$top=2", headers=headers, ca_file=sandbox.ca_file).json
        assert page["@odata.nextLink"].startswith(f"{base}/v1.0/me/messages?")


def test_a_folder_has_its_own_messages_only(get: Get) -> None:
    drafts = get("/me/mailFolders/drafts/messages?$top=1000").json["value"]
    assert drafts
    assert all(message["isDraft"] for message in drafts)
    inbox = get("/me/mailFolders('inbox')/messages?$top=1000").json["value"]
    assert not any(message["isDraft"] for message in inbox)
    assert "@odata.nextLink" not in get("/me/mailFolders/Inbox/messages?$top=1000").json


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("isRead eq false", lambda message: message["isRead"] is False),
        ("hasAttachments eq true and isRead eq true", lambda message: message["hasAttachments"] and message["isRead"]),
        (
            "from/emailAddress/address eq 'build@ci.fjordlight.example'",
            lambda message: "firmware" in message["subject"],
        ),
        ("startswith(subject,'Re: ')", lambda message: message["subject"].startswith("Re: ")),
        ("inferenceClassification eq 'other'", lambda message: message["inferenceClassification"] == "other"),
    ],
)
def test_filters_choose_messages(get: Get, expression: str, holds: Callable[[dict[str, Any]], bool]) -> None:
    chosen = get(f"/me/messages?$top=1000&$filter={quote(expression)}").json["value"]
    everything = get("/me/messages?$top=1000").json["value"]
    assert chosen
    assert all(holds(message) for message in chosen)
    assert len(chosen) < len(everything)


def test_a_filter_alone_turns_the_order_round(get: Get) -> None:
    page = get(f"/me/messages?$filter={quote('isRead eq true')}").json
    dates = [message["receivedDateTime"] for message in page["value"]]
    assert dates == sorted(dates)


def test_what_is_ordered_by_must_lead_the_filter(get: Get) -> None:
    order = "&$orderby=receivedDateTime%20desc"
    assert error_of(get(f"/me/messages?$filter=isRead%20eq%20false{order}")) == (400, "InefficientFilter")
    expression = quote("receivedDateTime ge 1900-01-01T00:00:00Z and isRead eq false")
    dates = [message["receivedDateTime"] for message in get(f"/me/messages?$filter={expression}{order}").json["value"]]
    assert dates == sorted(dates, reverse=True)
    assert dates


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$top=0", "BadRequest"),
        ("$top=1001", "BadRequest"),
        ("$top=ten", "BadRequest"),
        ("$skip=-1", "BadRequest"),
        ("$select=colour", "RequestBroker--ParseUri"),
        ("$orderby=subject", "BadRequest"),
        ("$filter=colour", "BadRequest"),
        ("$filter=isRead%20eq%20true%20or%20isRead%20eq%20false", "InefficientFilter"),
        ("$apply=x", "BadRequest"),
        ("$top=1&$top=2", "BadRequest"),
    ],
)
def test_a_bad_query_is_refused(get: Get, query: str, code: str) -> None:
    assert error_of(get(f"/me/messages?{query}")) == (400, code)


def test_custom_query_options_and_skiptokens_are_let_through(get: Get) -> None:
    assert get("/me/messages?colour=red&$skiptoken=%5B%7B%22token%22%3A%22%2B%22%7D%5D").status == 200


def test_a_mailbox_can_be_replaced_by_messages_of_any_shape(client: Client) -> None:
    messages: list[dict[str, Any]] = [
        {"id": "n1", "subject": None, "from": None, "isRead": None, "body": None, "receivedDateTime": "0001-01-01"},
        {"id": "n2"},
        {"id": "n3", "from": {"emailAddress": None}},
        {"id": "n4", "subject": "lone surrogate \ud83d", "body": {"contentType": "html", "content": "<b>x</b>"}},
    ]
    client.sandbox.control.mailbox("work", messages)
    access_token = client.sign_in()["access_token"]
    assert client.graph("/me/messages", access_token).json["value"] == messages
    assert [message["id"] for message in client.graph("/me/messages?$select=subject", access_token).json["value"]] == [
        "n1",
        "n2",
        "n3",
        "n4",
    ]
    text = client.graph("/me/messages/n4", access_token, {"Prefer": 'outlook.body-content-type="text"'}).json
    assert text["body"] == {"contentType": "text", "content": "x"}


def test_the_first_page_can_carry_any_next_link(client: Client) -> None:
    link = "https://evil.example/v1.0/me/messages?$skiptoken=%5b%22%2bRID%23"
    client.sandbox.control.mailbox("personal", [{"id": "n1"}], next_link=link)
    access_token = client.sign_in("personal")["access_token"]
    assert client.graph("/me/messages?$top=25", access_token).json["@odata.nextLink"] == link
    assert "@odata.nextLink" not in client.graph("/me/messages?$skiptoken=x", access_token).json


def test_a_mailbox_can_be_made_large(client: Client) -> None:
    client.sandbox.control.enlarge_mailbox("work", 3000)
    access_token = client.sign_in()["access_token"]
    page = client.graph("/me/messages?$top=1000&$skip=2500&$count=true&$select=id", access_token).json
    assert page["@odata.count"] == 3000
    assert len({message["id"] for message in page["value"]}) == 500


def error_of(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]
