"""GET api/messages with a cursor: Graph's link to the next page comes back to the letter, and leads nowhere else."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.fakes.graph import GRAPH
from tests.fakes.network import json_answer
from tests.fakes.site import Site

DELICATE = (
    f"{GRAPH}/me/mailFolders('inbox')/messages?$top=25&$select=subject,from"
    "&$filter=subject%20eq%20'100%25%20%2B%20%26'"
    "&$skiptoken=%5b%7B%22token%22%3a%22%2bRID%3a~AbC%3d%3d%23RT%3a1%23TRC%3a20%22%7D%5d"
)


def cursor_of(site: Site, browser: Any, link: str = DELICATE) -> str:
    site.graph.next_link = link
    found = browser.fetch("/api/messages").json()["next"]
    assert isinstance(found, str)
    return found


def test_the_next_page_is_asked_for_by_graphs_link_to_the_letter() -> None:
    site = Site()
    browser = site.signed_in()
    cursor = cursor_of(site, browser)
    answer = browser.fetch(f"/api/messages?cursor={cursor}")
    assert answer.status == 200
    request = site.graph.sent()[-1]
    assert request.url == DELICATE
    assert request.query["$skiptoken"] == ['[{"token":"+RID:~AbC==#RT:1#TRC:20"}]']
    assert request.query["$filter"] == ["subject eq '100% + &'"]
    assert answer.json()["next"] is None


def test_a_cursor_goes_into_a_url_as_it_is_and_shows_nothing_of_the_link() -> None:
    site = Site()
    cursor = cursor_of(site, site.signed_in())
    assert cursor.replace("-", "").replace("_", "").isalnum()
    opened = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"skiptoken" not in opened
    assert b"graph.microsoft.com" not in opened


def test_pages_can_be_followed_one_after_another() -> None:
    site = Site()
    browser = site.signed_in()
    cursor = cursor_of(site, browser, f"{GRAPH}/me/messages?$skip=3")
    site.graph.fails(json_answer({"value": [], "@odata.nextLink": f"{GRAPH}/me/messages?$skip=6"}))
    second = browser.fetch(f"/api/messages?cursor={cursor}").json()
    assert second["messages"] == []
    browser.fetch(f"/api/messages?cursor={second['next']}")
    assert [request.query.get("$skip") for request in site.graph.sent()] == [None, ["3"], ["6"]]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/me/messages",
        "http://graph.microsoft.com/v1.0/me/messages",
        "https://graph.microsoft.com@evil.example/v1.0/me/messages",
        "https://user@graph.microsoft.com/v1.0/me/messages",
        "https://graph.microsoft.com:444/v1.0/me/messages",
        "https://graph.microsoft.com.evil.example/v1.0/me/messages",
        "https://evil.example\\@graph.microsoft.com/v1.0/me/messages",
        "//evil.example/v1.0/me/messages",
        "/v1.0/me/messages",
        "ftp://graph.microsoft.com/v1.0/me/messages",
        f"{GRAPH}/users",
        f"{GRAPH}/users/other/messages",
        f"{GRAPH}/users('other')/messages",
        f"{GRAPH}/me/../users/other/messages",
        f"{GRAPH}/me/%2e%2e/users/other/messages",
        f"{GRAPH}/me/%2E%2e/users",
        f"{GRAPH}/me",
        "https://graph.microsoft.com/beta/me/messages",
        "https://graph.microsoft.com/v1.0evil/me/messages",
        f"{GRAPH}/me/messages#fragment",
        f"{GRAPH}/me/messages\r\nX: y",
        f"{GRAPH}/me/messages?a b",
        f"{GRAPH}/me/messägés",
        f"{GRAPH}/me/messages?$skiptoken=" + "x" * 8192,
        "",
        7,
        ["https://evil.example/"],
        {"x": 1},
        True,
    ],
)
def test_a_next_link_that_leads_elsewhere_is_never_followed(link: object) -> None:
    site = Site()
    browser = site.signed_in()
    site.graph.next_link = link
    answer = browser.fetch("/api/messages")
    assert (answer.status, answer.code) == (502, "graph_bad_answer")
    assert len(site.graph.sent()) == 1
    assert site.network.sent("https://evil") == []
    assert browser.fetch("/auth/me").status == 200


def test_a_cursor_with_any_character_changed_is_refused() -> None:
    site = Site()
    browser = site.signed_in()
    cursor = cursor_of(site, browser, f"{GRAPH}/me/messages?$skip=3")
    asked = len(site.graph.sent())
    # The last character may carry bits that belong to no byte; every other one counts.
    for place in range(len(cursor) - 1):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        answer = browser.fetch(f"/api/messages?cursor={changed}")
        assert (answer.status, answer.code) == (400, "invalid_cursor"), place
    assert len(site.graph.sent()) == asked


def test_a_cursor_of_another_list_is_refused() -> None:
    site = Site()
    browser = site.signed_in()
    cursor = cursor_of(site, browser)
    asked = len(site.graph.sent())
    answer = browser.fetch(f"/api/folders?cursor={cursor}")
    assert (answer.status, answer.code) == (400, "invalid_cursor")
    assert len(site.graph.sent()) == asked


def test_a_cursor_of_another_session_is_refused_even_of_the_same_person() -> None:
    site = Site()
    first, second = site.signed_in(), site.signed_in()
    cursor = cursor_of(site, first)
    assert first.fetch(f"/api/messages?cursor={cursor}").status == 200
    answer = second.fetch(f"/api/messages?cursor={cursor}")
    assert (answer.status, answer.code) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AA", "_____", "a.b", "a b", "a%00", "a+b", "é", "x" * 6000, "x" * 12001, "EAAA" * 30, "____" * 40],
)
def test_a_cursor_that_nobody_gave_is_refused_and_graph_is_not_asked(cursor: str) -> None:
    site = Site()
    answer = site.signed_in().fetch(f"/api/messages?cursor={cursor}")
    assert answer.status == 400
    assert answer.code in ("invalid_cursor", "invalid_request")
    assert site.graph.sent() == []


def test_a_sealed_link_is_checked_again_before_it_is_followed() -> None:
    site = Site()
    browser = site.signed_in()
    session = site.world.session(str(browser.session))
    sealed = site.services.sessions.seal_for(
        session, "cursor messages", b"https://evil.example/v1.0/me/messages", site.world.deadline()
    )
    cursor = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    assert browser.fetch(f"/api/messages?cursor={cursor}").code == "invalid_cursor"
    assert site.graph.sent() == []
