"""GET api/messages by folder, unread and search: what Graph is asked, and what is refused before it is."""

from __future__ import annotations

import base64
from urllib.parse import quote, unquote, urlsplit

import pytest

from shared.mail import WELL_KNOWN_FOLDERS
from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.network import Request
from tests.fakes.site import Site


def public_id(graph_id: str) -> str:
    return base64.urlsafe_b64encode(graph_id.encode()).rstrip(b"=").decode()


def asked(site: Site, query: str) -> Request:
    answer = site.signed_in().fetch(f"/api/messages?{query}")
    assert answer.status == 200, answer.text
    (request,) = site.graph.sent()
    return request


@pytest.mark.parametrize("name", WELL_KNOWN_FOLDERS)
def test_a_folder_can_be_named_by_what_graph_calls_it_in_every_language(name: str) -> None:
    assert asked(Site(), f"folder={name}").path == f"/v1.0/me/mailFolders/{name}/messages"


@pytest.mark.parametrize("graph_id", ["AQMkADx+y/z==", "AQMk-_z=", "a%2Fb", "../users", "inbox", "x" * 500])
def test_a_folder_can_be_named_by_our_id_and_reaches_graph_as_one_segment(graph_id: str) -> None:
    request = asked(Site(), f"folder={public_id(graph_id)}")
    inside = urlsplit(request.url).path.removeprefix("/v1.0/me/mailFolders/").removesuffix("/messages")
    assert "/" not in inside
    assert unquote(inside) == graph_id


@pytest.mark.parametrize("given", ["x", "", "Inbox", "msgfolderroot", "..", "AAMkAD/x", "_w", public_id(".."), "é"])
def test_what_names_no_folder_is_not_found_and_graph_is_not_asked(given: str) -> None:
    site = Site()
    answer = site.signed_in().fetch(f"/api/messages?folder={quote(given)}")
    assert (answer.status, answer.code) == (404, "folder_not_found")
    assert site.graph.sent() == []


@pytest.mark.parametrize(("status", "code"), [(404, "ErrorItemNotFound"), (400, "ErrorInvalidIdMalformed")])
def test_a_folder_that_graph_does_not_know_is_told_from_a_message_that_is_gone(status: int, code: str) -> None:
    site = Site()
    site.graph.fails(graph_error(status, code))
    answer = site.signed_in().fetch("/api/messages?folder=archive")
    assert (answer.status, answer.code, answer.json()["graph_code"]) == (404, "folder_not_found", code)


def test_unread_messages_come_newest_first_by_the_only_filter_that_graph_sorts() -> None:
    request = asked(Site(), "unread=true&folder=archive&top=7")
    assert request.query["$filter"] == ["receivedDateTime ge 1900-01-01T00:00:00Z and isRead eq false"]
    assert request.query["$orderby"] == ["receivedDateTime desc"]
    assert request.query["$top"] == ["7"]


@pytest.mark.parametrize("query", ["", "unread=true", "folder=drafts", "folder=drafts&unread=true"])
def test_every_list_but_a_search_has_immutable_ids(query: str) -> None:
    assert asked(Site(), query).headers["Prefer"] == 'IdType="ImmutableId"'


@pytest.mark.parametrize(
    ("given", "search"),
    [
        ("budget", '"budget"'),
        ("from:ada AND subject:lunch", '"from:ada AND subject:lunch"'),
        ('"next year" plan', r'"\"next year\" plan"'),
        ('half " a phrase', r'"half \" a phrase"'),
        ("back\\slash", r'"back\\slash"'),
        ('" & $filter=x#?', r'"\" & $filter=x#?"'),
        ("žluťoučký 100% + &", '"žluťoučký 100% + &"'),
    ],
)
def test_a_search_reaches_graph_as_one_string_and_nothing_that_it_takes_no_search_with(given: str, search: str) -> None:
    request = asked(Site(), f"search={quote(given)}")
    assert request.query["$search"] == [search]
    assert set(request.query) == {"$top", "$select", "$search"}
    assert "Prefer" not in request.headers, "Graph breaks off a search with immutable ids"


def test_a_search_is_of_the_whole_mailbox_unless_a_folder_is_named() -> None:
    assert asked(Site(), "search=x").path == "/v1.0/me/messages"
    assert asked(Site(), "search=x&folder=inbox").path == "/v1.0/me/mailFolders/inbox/messages"


def test_further_pages_of_a_search_come_without_immutable_ids_and_others_with() -> None:
    for option, preferred in (
        ("$search=%22x%22", None),
        ("%24search=%22x%22", None),
        ("$top=5", 'IdType="ImmutableId"'),
    ):
        site = Site()
        browser = site.signed_in()
        site.graph.next_link = f"{GRAPH}/me/messages?{option}&$skiptoken=a"
        cursor = browser.fetch("/api/messages").json()["next"]
        assert browser.fetch(f"/api/messages?cursor={cursor}").status == 200
        assert site.graph.sent()[-1].headers.get("Prefer") == preferred


def test_a_search_that_graph_does_not_understand_is_the_callers_fault() -> None:
    site = Site()
    site.graph.fails(graph_error(400, "BadRequest"))
    answer = site.signed_in().fetch("/api/messages?search=%28")
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert "search" in answer.json()["detail"]
    assert (answer.json()["graph_code"], answer.json()["request_id"]) == ("BadRequest", "request-id-of-graph")


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("search=x&unread=true", "unread"),
        ("search=", "search"),
        ("search=%20%20", "search"),
        ("search=a%0Ab", "search"),
        (f"search={'x' * 257}", "256"),
        ("unread=false", "unread"),
        ("unread=", "unread"),
        ("unread=1", "unread"),
        ("cursor=x&unread=true", "cursor"),
        ("cursor=x&search=x", "cursor"),
        ("cursor=x&folder=inbox", "cursor"),
        ("search=x&top=51", "top"),
    ],
)
def test_what_is_not_offered_is_refused_with_a_reason(query: str, word: str) -> None:
    site = Site()
    answer = site.signed_in().fetch(f"/api/messages?{query}")
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert word in answer.json()["detail"]
    assert site.graph.sent() == []


def test_a_message_says_in_which_folder_it_lies_by_an_id_of_ours() -> None:
    site = Site()
    site.graph.messages = [{"id": "a", "parentFolderId": "AQMkAD/x+y=="}, {"id": "b", "parentFolderId": None}]
    first, second = site.signed_in().fetch("/api/messages").json()["messages"]
    assert first == {"id": public_id("a"), "parentFolderId": public_id("AQMkAD/x+y==")}
    assert second == {"id": public_id("b"), "parentFolderId": None}
