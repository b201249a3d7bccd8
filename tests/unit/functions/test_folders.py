"""GET api/folders: folders with their counts, by our ids, and those below one of them."""

from __future__ import annotations

import base64

import pytest

from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.site import Site


def public_id(graph_id: str) -> str:
    return base64.urlsafe_b64encode(graph_id.encode()).rstrip(b"=").decode()


INBOX = {
    "id": "AQMkAD/x+y==",
    "displayName": "Posteingang",
    "parentFolderId": "root",
    "childFolderCount": 2,
    "unreadItemCount": 3,
    "totalItemCount": 40,
}


def test_folders_keep_graphs_names_and_counts_and_get_our_ids() -> None:
    site = Site()
    site.graph.folders = [{**INBOX, "isHidden": False, "@odata.type": "x"}, {"id": 7}, {**INBOX, "displayName": None}]
    found = site.signed_in().fetch("/api/folders").json()
    ours = {**INBOX, "id": public_id("AQMkAD/x+y=="), "parentFolderId": public_id("root")}
    assert found == {"folders": [ours, {"id": None}, {**ours, "displayName": None}], "next": None}
    (request,) = site.graph.sent()
    assert (request.method, request.path, request.query["$top"]) == ("GET", "/v1.0/me/mailFolders", ["25"])


@pytest.mark.parametrize("odd", [None, 7, "text", []])
def test_an_entry_that_is_no_folder_hides_no_other(odd: object) -> None:
    site = Site()
    site.graph.folders = [odd, INBOX]
    assert len(site.signed_in().fetch("/api/folders").json()["folders"]) == 1


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("inbox", "/v1.0/me/mailFolders/inbox/childFolders"),
        (public_id("../users"), "/v1.0/me/mailFolders/..%2Fusers/childFolders"),
        (public_id("AQMkAD/x+y=="), "/v1.0/me/mailFolders/AQMkAD%2Fx%2By%3D%3D/childFolders"),
    ],
)
def test_the_folders_below_one_are_asked_for_by_its_id_or_well_known_name(given: str, path: str) -> None:
    site = Site()
    assert site.signed_in().fetch(f"/api/folders?folder={given}&top=50").status == 200
    (request,) = site.graph.sent()
    assert request.url.partition("?")[0].removeprefix("https://graph.microsoft.com") == path
    assert request.query["$top"] == ["50"]


def test_further_pages_are_asked_for_by_graphs_own_link() -> None:
    site = Site()
    browser = site.signed_in()
    site.graph.next_link = f"{GRAPH}/me/mailFolders?$skip=25"
    cursor = browser.fetch("/api/folders").json()["next"]
    site.graph.next_link = None
    assert browser.fetch(f"/api/folders?cursor={cursor}").json()["next"] is None
    assert site.graph.sent()[-1].url == f"{GRAPH}/me/mailFolders?$skip=25"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("folder=x", 404, "folder_not_found"),
        ("folder=", 404, "folder_not_found"),
        ("top=0", 400, "invalid_request"),
        ("unread=true", 400, "invalid_request"),
        ("search=x", 400, "invalid_request"),
        ("cursor=x&top=5", 400, "invalid_request"),
        ("cursor=x", 400, "invalid_cursor"),
    ],
)
def test_what_is_not_offered_is_refused_and_graph_is_not_asked(query: str, status: int, code: str) -> None:
    site = Site()
    answer = site.signed_in().fetch(f"/api/folders?{query}")
    assert (answer.status, answer.code) == (status, code)
    assert site.graph.sent() == []


def test_a_folder_that_is_gone_says_so() -> None:
    site = Site()
    site.graph.fails(graph_error(404, "ErrorItemNotFound"))
    answer = site.signed_in().fetch("/api/folders?folder=archive")
    assert (answer.status, answer.code) == (404, "folder_not_found")


def test_another_sites_page_and_nobody_at_all_are_refused() -> None:
    site = Site()
    assert site.signed_in().fetch("/api/folders", sec_fetch_site="cross-site").code == "cross_site"
    assert site.browser().fetch("/api/folders").code == "not_signed_in"
    assert site.graph.sent() == []
