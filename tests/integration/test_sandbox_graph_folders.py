"""Folders and searches of the imitation of Graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.sandbox_client import Client, Reply

type Get = Callable[..., Reply]


@pytest.fixture
def get(client: Client) -> Get:
    """GET from Graph as the work account: get(path, headers)."""
    access_token = client.sign_in("work")["access_token"]

    def get(path: str, headers: dict[str, str] | None = None) -> Reply:
        return client.graph(path, access_token, headers)

    return get


def test_folders_at_the_top_are_listed_and_those_below_by_their_parent(get: Get) -> None:
    top = {folder["displayName"]: folder for folder in get("/me/mailFolders").json["value"]}
    assert next(iter(top)) == "Inbox"
    assert "Projects" not in top
    (projects,) = get(f"/me/mailFolders/{quote(top['Inbox']['id'], safe='')}/childFolders").json["value"]
    assert (projects["displayName"], projects["parentFolderId"]) == ("Projects", top["Inbox"]["id"])
    assert get("/me/mailFolders/INBOX/childFolders").json["value"] == [projects]
    assert (top["Inbox"]["childFolderCount"], projects["childFolderCount"], top["Drafts"]["childFolderCount"]) == (
        1,
        1,
        0,
    )


def test_a_folder_counts_what_a_list_of_it_shows(get: Get) -> None:
    for folder in get("/me/mailFolders").json["value"]:
        path = f"/me/mailFolders/{quote(folder['id'], safe='')}"
        messages = get(f"{path}/messages?$top=1000").json["value"]
        assert folder["totalItemCount"] == len(messages)
        assert folder["unreadItemCount"] == sum(not message["isRead"] for message in messages)
        assert {message["parentFolderId"] for message in messages} <= {folder["id"]}
        shown = get(path).json
        assert {name: shown[name] for name in folder} == folder


def test_folders_come_in_pages_with_the_selected_properties(get: Get) -> None:
    page = get("/me/mailFolders?$top=5&$select=displayName").json
    assert [set(folder) for folder in page["value"]] == [{"id", "displayName"}] * 5
    rest = get(page["@odata.nextLink"].partition("/v1.0")[2]).json
    assert len(rest["value"]) == 2
    assert "@odata.nextLink" not in rest


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/me/mailFolders/nowhere", (400, "ErrorInvalidIdMalformed")),
        (f"/me/mailFolders/{'A' * 60}/messages", (404, "ErrorItemNotFound")),
        (f"/me/mailFolders/{'A' * 60}/childFolders", (404, "ErrorItemNotFound")),
        ("/me/mailFolders?$select=colour", (400, "RequestBroker--ParseUri")),
        ("/me/mailFolders?$top=0", (400, "BadRequest")),
    ],
)
def test_what_is_no_folder_is_refused(get: Get, path: str, refusal: tuple[int, str]) -> None:
    assert error_of(get(path)) == refusal


@pytest.mark.parametrize(
    ("search", "holds"),
    [
        ("lighthouse relay", lambda message: "lighthouse relay" in message["subject"].lower()),
        ("from:oyvind subject:night", lambda message: "night" in message["subject"]),
        ('"reference lamp"', lambda message: "reference lamp" in str(message).lower()),
    ],
)
def test_a_search_finds_what_has_all_its_words_by_date_sent(
    get: Get, search: str, holds: Callable[[dict[str, Any]], bool]
) -> None:
    escaped = search.replace('"', '\\"')
    found = get(f"/me/messages?$top=1000&$search={quote(f'"{escaped}"')}").json["value"]
    assert all(holds(message) for message in found)
    assert found
    dates = [message["sentDateTime"] for message in found]
    assert dates == sorted(dates, reverse=True)


def test_a_search_without_a_hit_is_an_empty_list(get: Get) -> None:
    assert get(f"/me/messages?$search={quote('"lighthouse xyzzy"')}").json["value"] == []


def test_a_search_of_a_folder_finds_nothing_elsewhere(get: Get) -> None:
    search = quote('"lighthouse"')
    everywhere = get(f"/me/messages?$top=1000&$search={search}").json["value"]
    inbox = get(f"/me/mailFolders/inbox/messages?$top=1000&$search={search}").json["value"]
    assert len(inbox) < len(everywhere)


def test_pages_of_a_search_are_joined_by_a_skiptoken_and_show_everything_once(get: Get) -> None:
    path = f"/me/messages?$top=5&$select=subject&$search={quote('"temperature"')}"
    ids: list[str] = []
    for _ in range(50):
        page = get(path).json
        ids += [message["id"] for message in page["value"]]
        if "@odata.nextLink" not in page:
            break
        assert "%24skiptoken=" in page["@odata.nextLink"]
        path = page["@odata.nextLink"].partition("/v1.0")[2]
    whole = get(f"/me/messages?$top=1000&$search={quote('"temperature"')}").json["value"]
    assert ids == [message["id"] for message in whole]
    assert len(ids) > 10


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$orderby=receivedDateTime%20desc", "SearchWithOrderBy"),
        ("$filter=isRead%20eq%20false", "SearchWithFilter"),
        ("$skip=5", "BadRequest"),
    ],
)
def test_a_search_goes_with_neither_order_nor_filter_nor_skip(get: Get, query: str, code: str) -> None:
    assert error_of(get(f"/me/messages?$search={quote('"x"')}&{query}")) == (400, code)


@pytest.mark.parametrize("value", ["x", '"', '""', '"("', '"\\"half"', '"colour:red"', '"a" b"'])
def test_a_search_that_is_none_is_refused(get: Get, value: str) -> None:
    assert error_of(get(f"/me/messages?$search={quote(value)}")) == (400, "BadRequest")


def test_a_search_with_immutable_ids_breaks_off_in_the_middle_of_a_good_status(get: Get) -> None:
    reply = get(f"/me/messages?$search={quote('"lamp"')}", {"Prefer": 'IdType="ImmutableId"'})
    assert reply.status == 200
    assert b"ErrorInvalidIdMalformed" in reply.body
    with pytest.raises(ValueError):
        _ = reply.json


def error_of(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]
