"""Attachments: described as what they are, and files saved under safe names, never shown."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from shared.wire import Answer, TooLarge
from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.network import Request, json_answer
from tests.fakes.site import FETCH, Browser, Seen, Site


def public_id(graph_id: str) -> str:
    return base64.urlsafe_b64encode(graph_id.encode()).rstrip(b"=").decode()


LIST = f"/api/messages/{public_id('m/1+')}/attachments"

SIX: list[dict[str, Any]] = [
    {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "@odata.mediaContentType": "image/png",
        "id": "a/1==",
        "name": "image001.png",
        "contentType": "image/png",
        "size": 160,
        "isInline": False,
        "contentId": "image001.png@01DA",
        "lastModifiedDateTime": "2026-06-01T12:00:00Z",
        "contentBytes": "AAAA",
    },
    {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "id": "a2",
        "name": "logo.png",
        "isInline": True,
        "contentId": "<logo>",
    },
    {"@odata.type": "#microsoft.graph.itemAttachment", "id": "a3", "name": "Fwd: minutes", "contentType": None},
    {"@odata.type": "#microsoft.graph.referenceAttachment", "id": "a4", "name": "Plan.xlsx", "sourceUrl": "https://x"},
    {"@odata.type": "#microsoft.graph.fileAttachment", "id": "a5", "name": "large.bin", "size": 4_194_304},
    {"id": "a6", "name": None},
]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def browser(site: Site) -> Browser:
    site.graph.attachments = list(SIX)
    return site.signed_in()


def fetched(browser: Browser, attachment: str) -> Seen:
    return browser.navigate(f"{LIST}/{public_id(attachment)}", sec_fetch_site="same-origin")


def test_all_six_are_listed_as_what_they_are_without_their_bytes(site: Site, browser: Browser) -> None:
    answer = browser.fetch(LIST)
    listed = answer.json()
    assert listed["next"] is None
    assert [entry["kind"] for entry in listed["attachments"]] == [
        *("file", "file", "item", "reference", "file", "unknown"),
    ]
    assert listed["attachments"][0] == {
        "id": public_id("a/1=="),
        "kind": "file",
        "name": "image001.png",
        "contentType": "image/png",
        "size": 160,
        "isInline": False,
        "contentId": "image001.png@01DA",
        "lastModifiedDateTime": "2026-06-01T12:00:00Z",
    }
    assert listed["attachments"][5] == {"id": public_id("a6"), "kind": "unknown", "name": None}
    assert "sourceUrl" not in answer.text
    (asked,) = site.graph.sent()
    assert asked.path == "/v1.0/me/messages/m%2F1%2B/attachments"
    assert "contentBytes" not in asked.url
    assert "microsoft.graph.fileAttachment/contentId" in asked.url


def test_a_list_of_several_pages_is_read_whole_and_a_circle_ends(site: Site, browser: Browser) -> None:
    page = {"value": [{"id": "x"}, None, 7], "@odata.nextLink": f"{GRAPH}/me/messages/m/attachments?$skip=1"}
    site.network.answer(GRAPH, json_answer(page))
    listed = browser.fetch(LIST).json()["attachments"]
    assert listed == [{"id": public_id("x"), "kind": "unknown"}] * len(site.graph.sent())
    assert 1 < len(site.graph.sent()) <= 10


def test_a_link_to_elsewhere_is_not_followed(site: Site, browser: Browser) -> None:
    page = b'{"value": [], "@odata.nextLink": "https://evil.example/v1.0/me/messages"}'
    site.network.answer(GRAPH, Answer(200, {}, page))
    assert browser.fetch(LIST).code == "graph_bad_answer"


def test_a_file_is_saved_byte_for_byte_and_never_shown(site: Site, browser: Browser) -> None:
    content = bytes(range(256)) * 100
    site.graph.files["a5"] = content
    site.graph.attachments[4] = {**SIX[4], "name": "Übersicht\u202efdp.html", "contentType": "text/html"}
    answer = fetched(browser, "a5")
    assert (answer.status, answer.body) == (200, content)
    assert answer.header("Content-Type") == "application/octet-stream"
    assert answer.header("Content-Disposition") == (
        "attachment; filename=\"Ubersichtfdp.html\"; filename*=UTF-8''%C3%9Cbersichtfdp.html"
    )
    assert answer.header("Content-Security-Policy") == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Cache-Control") == "no-store"


def test_graphs_headers_stay_behind(site: Site, browser: Browser) -> None:
    hostile = {
        "set-cookie": "a=b",
        "location": "https://evil.example",
        "refresh": "0;url=https://evil.example",
        "content-security-policy": "script-src *",
        "access-control-allow-origin": "*",
        "content-disposition": "inline",
        "content-type": "text/html",
    }
    site.network.answer(f"{GRAPH}/me/messages/m%2F1%2B/attachments/a5/$value", Answer(200, hostile, b"<script>"))
    answer = fetched(browser, "a5")
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/octet-stream"
    assert str(answer.header("Content-Disposition")).startswith("attachment;")
    for name in ("Location", "Refresh", "Access-Control-Allow-Origin"):
        assert answer.header(name) is None
    assert answer.cookies == []


@pytest.mark.parametrize("attachment", ["a3", "a4"])
def test_what_has_no_bytes_says_so_and_is_not_asked_for_them(site: Site, browser: Browser, attachment: str) -> None:
    answer = fetched(browser, attachment)
    assert (answer.status, answer.code) == (404, "attachment_without_file")
    assert not [request for request in site.graph.sent() if request.path.endswith("$value")]


def test_a_file_known_to_be_too_large_is_refused_with_its_size_before_it_is_fetched(
    site: Site, browser: Browser
) -> None:
    site.graph.attachments[4] = {**SIX[4], "size": 31_000_000}
    answer = browser.fetch(f"{LIST}/{public_id('a5')}")
    assert (answer.status, answer.code) == (413, "attachment_too_large")
    assert "31 MB" in answer.json()["detail"]
    assert not [request for request in site.graph.sent() if request.path.endswith("$value")]


def test_a_file_larger_than_it_said_is_refused_too(site: Site, browser: Browser) -> None:
    site.network.answer(f"{GRAPH}/me/messages/m%2F1%2B/attachments/a5/$value", TooLarge())
    assert fetched(browser, "a5").code == "attachment_too_large"


def test_a_file_of_exactly_25_mb_comes_through(site: Site, browser: Browser) -> None:
    site.graph.attachments[4] = {**SIX[4], "size": 25 * 1024 * 1024 + 300}
    site.graph.files["a5"] = b"x" * (25 * 1024 * 1024)
    assert len(fetched(browser, "a5").body) == 25 * 1024 * 1024


def test_an_attachment_that_is_gone_is_not_found(site: Site, browser: Browser) -> None:
    assert fetched(browser, "gone").code == "attachment_not_found"
    for public in ("..", "%2E", "a=b", "Li4", "x" * 3000):
        answer = browser.fetch(f"{LIST}/{public}")
        assert (answer.status, answer.code) == (404, "attachment_not_found")


def test_a_file_that_goes_between_the_two_questions_is_not_found(site: Site, browser: Browser) -> None:
    site.network.answer(f"{GRAPH}/me/messages/m%2F1%2B/attachments/a5/$value", graph_error(404, "ErrorItemNotFound"))
    assert fetched(browser, "a5").code == "attachment_not_found"


def test_two_files_are_fetched_at_once_and_a_third_waits_only_so_long(site: Site, browser: Browser) -> None:
    both, go = threading.Barrier(3, timeout=20), threading.Event()

    def slow(request: Request) -> Answer:
        both.wait()
        go.wait(20)
        return Answer(200, {}, b"x")

    site.network.answer(f"{GRAPH}/me/messages/m%2F1%2B/attachments/a5/$value", slow)
    answers: list[Seen] = []
    threads = [threading.Thread(target=lambda: answers.append(fetched(browser, "a5"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    both.wait()
    third = browser.fetch(f"{LIST}/{public_id('a5')}")
    assert (third.status, third.code, third.header("Retry-After")) == (429, "mailbox_busy", "2")
    go.set()
    for thread in threads:
        thread.join(20)
    assert [answer.status for answer in answers] == [200, 200]


@pytest.mark.parametrize("path", [LIST, f"{LIST}/{public_id('a5')}"])
def test_no_other_site_may_ask_and_nothing_goes_without_a_session(site: Site, browser: Browser, path: str) -> None:
    assert browser.send("GET", path, {**FETCH, "sec-fetch-site": "cross-site"}).code == "cross_site"
    assert browser.fetch(f"{path}?x=1").code == "invalid_request"
    assert site.browser().fetch(path).code == "not_signed_in"
    assert site.graph.sent() == []
