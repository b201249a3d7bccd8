"""The mail API over HTTP at the sandbox's Graph: every combination of a list works, and folders lead to their mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import BrowserClient


@pytest.fixture
def browser(app: App, sign_in: SignIn) -> BrowserClient:
    """A browser signed in to the work account."""
    return sign_in(app)


def whole(app: App, browser: BrowserClient, query: str) -> list[dict[str, Any]]:
    """Every message of a list, page after page."""
    found: list[dict[str, Any]] = []
    while True:
        answer = browser.fetch(f"{app.url}/api/messages?{query}")
        assert answer.status == 200, answer.text
        found += answer.json()["messages"]
        following = answer.json()["next"]
        if following is None:
            return found
        query = f"cursor={following}"


def folders(app: App, browser: BrowserClient, query: str = "top=50") -> dict[str, dict[str, Any]]:
    answer = browser.fetch(f"{app.url}/api/folders?{query}")
    assert answer.status == 200, answer.text
    return {folder["displayName"]: folder for folder in answer.json()["folders"]}


@pytest.mark.parametrize("top", ["", "&top=50", "&top=7"])
@pytest.mark.parametrize("folder", ["", "&folder=archive", "&folder=sentitems", "&folder=drafts", "&folder=outbox"])
@pytest.mark.parametrize("rest", ["", "&unread=true", "&search=the"])
def test_each_combination_that_is_offered_works_on_its_first_page_and_the_next(
    app: App, browser: BrowserClient, folder: str, rest: str, top: str
) -> None:
    page = browser.fetch(f"{app.url}/api/messages?{(folder + rest + top).removeprefix('&')}")
    assert page.status == 200, page.text
    if page.json()["next"] is not None:
        following = browser.fetch(f"{app.url}/api/messages?cursor={page.json()['next']}")
        assert following.status == 200, following.text
        ids = [message["id"] for message in (*page.json()["messages"], *following.json()["messages"])]
        assert len(set(ids)) == len(ids)


def test_unread_lists_have_as_many_messages_as_the_folder_counts_newest_first(app: App, browser: BrowserClient) -> None:
    for name in ("Inbox", "Junk Email", "Archive"):
        folder = folders(app, browser)[name]
        everything = whole(app, browser, f"folder={folder['id']}&top=50")
        unread = whole(app, browser, f"folder={folder['id']}&unread=true&top=5")
        assert (len(everything), len(unread)) == (folder["totalItemCount"], folder["unreadItemCount"])
        assert unread == [message for message in everything if message["isRead"] is False]
        dates = [message["receivedDateTime"] for message in everything]
        assert dates == sorted(dates, reverse=True)
        assert {message["parentFolderId"] for message in everything} <= {folder["id"]}


def test_folders_below_folders_are_reached_by_our_ids_and_hold_their_own_mail(app: App, browser: BrowserClient) -> None:
    inbox = folders(app, browser)["Inbox"]
    projects = folders(app, browser, f"folder={inbox['id']}")["Projects"]
    lighthouse = folders(app, browser, f"folder={projects['id']}")["Lighthouse"]
    assert (projects["parentFolderId"], lighthouse["parentFolderId"]) == (inbox["id"], projects["id"])
    messages = whole(app, browser, f"folder={lighthouse['id']}")
    assert len(messages) == lighthouse["totalItemCount"] > 0
    assert folders(app, browser, f"folder={lighthouse['id']}") == {}


def test_folders_come_in_pages(app: App, browser: BrowserClient) -> None:
    first = browser.fetch(f"{app.url}/api/folders?top=4").json()
    second = browser.fetch(f"{app.url}/api/folders?cursor={first['next']}").json()
    assert [folder["displayName"] for folder in (*first["folders"], *second["folders"])] == list(folders(app, browser))
    assert second["next"] is None


def test_a_search_finds_mail_in_every_folder_and_what_it_finds_opens(app: App, browser: BrowserClient) -> None:
    found = whole(app, browser, f"search={quote('from:oyvind "measurement night"')}&top=5")
    assert len(found) == 12
    inbox = whole(app, browser, f"search={quote('"measurement night"')}&folder=inbox")
    assert inbox == []
    opened = browser.fetch(f"{app.url}/api/messages/{found[0]['id']}")
    assert opened.status == 200
    assert opened.json()["subject"] == found[0]["subject"]


@pytest.mark.parametrize("search", ["(", '"', 'half "a phrase', "colour:red"])
def test_a_search_that_graph_does_not_understand_is_a_400_with_graphs_code(
    app: App, browser: BrowserClient, search: str
) -> None:
    answer = browser.fetch(f"{app.url}/api/messages?search={quote(search)}")
    assert (answer.status, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["graph_code"] == "BadRequest"
    assert browser.fetch(f"{app.url}/api/messages").status == 200


def test_listed_ids_are_immutable_and_a_message_opens_by_either_kind(app: App, browser: BrowserClient) -> None:
    listed = browser.fetch(f"{app.url}/api/messages?top=1").json()["messages"][0]
    words = quote(f"subject:{listed['subject'].split()[-1]}")
    found = browser.fetch(f"{app.url}/api/messages?search={words}&folder=inbox").json()["messages"]
    same = next(message for message in found if message["receivedDateTime"] == listed["receivedDateTime"])
    assert same["id"] != listed["id"], "a search has ordinary ids"
    for identifier in (listed["id"], same["id"]):
        assert browser.fetch(f"{app.url}/api/messages/{identifier}").json()["id"] == listed["id"]


def test_a_message_has_its_recipients_and_internet_headers_where_they_are_asked_for(
    app: App, browser: BrowserClient
) -> None:
    listed = browser.fetch(f"{app.url}/api/messages?top=1").json()["messages"][0]
    plain = browser.fetch(f"{app.url}/api/messages/{listed['id']}").json()
    full = browser.fetch(f"{app.url}/api/messages/{listed['id']}?headers=true").json()
    assert {"toRecipients", "ccRecipients", "bccRecipients", "replyTo"} <= set(plain)
    assert set(full) - set(plain) == {"internetMessageHeaders"}
    assert {name: full[name] for name in plain} == plain


@pytest.mark.parametrize("target", ["messages?folder=", "folders?folder="])
def test_a_folder_that_does_not_exist_is_not_found(app: App, browser: BrowserClient, target: str) -> None:
    for folder in ("QUFB", "nowhere", "Inbox", "QUFB" * 20):
        answer = browser.fetch(f"{app.url}/api/{target}{folder}")
        assert (answer.status, answer.json()["code"]) == (404, "folder_not_found")


def test_a_guest_has_no_folders_and_hears_why(app: App, sign_in: SignIn) -> None:
    answer = sign_in(app, "guest").fetch(f"{app.url}/api/folders")
    assert (answer.status, answer.json()["code"]) == (404, "no_mailbox")
