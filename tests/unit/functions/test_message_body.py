"""GET api/messages/{id}/body: a document of its own, in which nothing runs and from which nothing is fetched."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from shared.wire import Answer, TooLarge
from tests.fakes.entra import HOST
from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.site import FETCH, NAVIGATION, Browser, Seen, Site

FRAME = {**NAVIGATION, "sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin"}
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


def public_id(graph_id: str) -> str:
    return base64.urlsafe_b64encode(graph_id.encode()).rstrip(b"=").decode()


PATH = f"/api/messages/{public_id('m/1+')}/body"


def file(name: str, content_id: str | None, **changes: Any) -> dict[str, Any]:
    usual = {"@odata.type": "#microsoft.graph.fileAttachment", "id": name, "name": name, "size": 100}
    return {**usual, "contentType": "image/png", "isInline": False, "contentId": content_id, **changes}


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.signed_in()


def write(site: Site, content: Any, kind: Any = "html") -> None:
    site.graph.messages = [{"id": "m/1+", "body": {"contentType": kind, "content": content}}]


def framed(browser: Browser, query: str = "") -> Seen:
    return browser.send("GET", PATH + query, FRAME)


def test_the_body_is_a_document_with_a_policy_of_its_own(site: Site, browser: Browser) -> None:
    write(site, '<p onclick="x()">Hello <a href="https://a.example/">you</a></p><script>x()</script>')
    answer = framed(browser)
    assert (answer.status, answer.kind) == (200, "text/html")
    assert answer.text.endswith(
        '<p>Hello <a href="https://a.example/" target="_blank" rel="noopener noreferrer">you</a></p>'
    )
    assert answer.header("Content-Security-Policy") == POLICY
    assert answer.header("Cross-Origin-Opener-Policy") == "unsafe-none"
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"
    assert answer.header("Referrer-Policy") == "same-origin"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.cookies == []


def test_graph_is_asked_for_the_body_alone_and_never_for_html_that_it_has_not_looked_through(
    site: Site, browser: Browser
) -> None:
    write(site, "<p>x</p>")
    framed(browser)
    framed(browser, "?format=text")
    html, text = site.graph.sent()
    assert html.url == text.url == f"{GRAPH}/me/messages/m%2F1%2B?$select=id,body"
    assert "prefer" not in {name.lower() for name in html.headers}
    assert text.headers["Prefer"] == 'outlook.body-content-type="text"'


def test_the_text_variant_is_plain_text(site: Site, browser: Browser) -> None:
    write(site, "a <b> & c", "text")
    answer = framed(browser, "?format=text")
    assert (answer.status, answer.kind, answer.text) == (200, "text/plain", "a <b> & c")
    assert answer.header("Content-Security-Policy") == POLICY


def test_a_text_message_is_a_document_too(site: Site, browser: Browser) -> None:
    write(site, "a <b> & c", "text")
    assert framed(browser).text.endswith("<pre>a &lt;b&gt; &amp; c</pre>")


def test_remote_pictures_come_only_when_asked_and_their_count_is_told_either_way(site: Site, browser: Browser) -> None:
    write(site, '<img src="https://a.example/1"><img src="http://a.example/2"><img src="http://a.example/2">')
    closed, opened = framed(browser), framed(browser, "?images=remote")
    assert closed.header("Server-Timing") == opened.header("Server-Timing") == 'remote-pictures;desc="2"'
    assert "a.example" not in closed.text
    assert opened.text.count("a.example") == 3
    assert opened.header("Content-Security-Policy") == POLICY.replace("data:;", "data: https: http:;")


def test_the_messages_own_pictures_are_shown_whatever_isinline_says(site: Site, browser: Browser) -> None:
    write(site, '<img src="cid:image001.png@01DA"> <img src="CID:logo"> <img src="cid:gone@x">')
    site.graph.attachments = [
        file("one", "image001.png@01DA"),
        {"@odata.type": "#microsoft.graph.itemAttachment", "id": "item", "name": "Fwd: minutes", "contentId": "logo"},
        {"@odata.type": "#microsoft.graph.referenceAttachment", "id": "reference", "name": None},
        {"@odata.type": "#microsoft.graph.newKind", "id": "new", "name": None},
        "no attachment at all",
        file("two", "<logo>", isInline=True, contentType="application/octet-stream"),
    ]
    site.graph.files = {"one": PNG, "two": b"\xff\xd8\xffjpeg"}
    first, second = base64.b64encode(PNG).decode(), base64.b64encode(b"\xff\xd8\xffjpeg").decode()
    assert framed(browser).text.endswith(
        f'<img src="data:image/png;base64,{first}"> <img src="data:image/jpeg;base64,{second}"> <img>'
    )
    assert [request.path.rpartition("/attachments")[2] for request in site.graph.sent()[1:]] == [
        "",
        "/one/$value",
        "/two/$value",
    ]
    assert "contentBytes" not in site.graph.sent()[1].url


def test_a_mail_without_pictures_of_its_own_costs_one_call(site: Site, browser: Browser) -> None:
    write(site, "<p>x</p><img src='data:image/png;base64,AAAA'>")
    framed(browser)
    assert len(site.graph.sent()) == 1


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", b"RIFF0000WAVE"])
def test_what_is_no_picture_is_not_shown_as_one(site: Site, browser: Browser, content: bytes) -> None:
    write(site, '<img src="cid:a">')
    site.graph.attachments = [file("one", "a")]
    site.graph.files = {"one": content}
    assert framed(browser).text.endswith("<img>")


def test_one_bad_picture_hides_neither_the_text_nor_the_others(site: Site, browser: Browser) -> None:
    write(site, 'Text <img src="cid:a"><img src="cid:b"><img src="cid:c">')
    site.graph.attachments = [file("one", "a"), file("big", "b", size=40_000_000), file("three", "c")]
    site.graph.files = {"three": PNG}
    text = framed(browser).text
    assert "Text <img><img><img src=" in text
    assert not [request for request in site.graph.sent() if "/big/" in request.path]


def test_where_the_list_of_attachments_cannot_be_had_the_text_is_shown(site: Site, browser: Browser) -> None:
    write(site, 'Text <img src="cid:a">')
    site.network.answer(f"{GRAPH}/me/messages/m%2F1%2B/attachments", graph_error(500, "UnknownError"))
    assert framed(browser).text.endswith("Text <img>")


@pytest.mark.parametrize("body", [None, "text", {}, {"contentType": None, "content": None}, {"content": 7}])
def test_a_message_with_no_body_is_an_empty_document(site: Site, browser: Browser, body: Any) -> None:
    site.graph.messages = [{"id": "m/1+", "body": body}]
    answer = framed(browser)
    assert answer.status == 200
    assert answer.text.endswith("<pre></pre>")
    assert framed(browser, "?format=text").text == ""


def test_a_lone_surrogate_spoils_nothing(site: Site, browser: Browser) -> None:
    write(site, "<p>a \ud800 b \U0001f600</p>")
    assert framed(browser).text.endswith("<p>a ? b \U0001f600</p>")


@pytest.mark.parametrize("destination", ["empty", "image", "script", "style", "object", "embed", "frame", "report"])
@pytest.mark.parametrize("query", ["", "?format=text"])
def test_the_body_is_shown_in_a_frame_or_tab_and_nowhere_else(
    site: Site, browser: Browser, destination: str, query: str
) -> None:
    answer = browser.send("GET", PATH + query, {**FETCH, "sec-fetch-dest": destination})
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert site.graph.sent() == []


def test_a_tab_and_an_old_browser_may_have_it(site: Site, browser: Browser) -> None:
    write(site, "<p>x</p>")
    assert browser.navigate(PATH, sec_fetch_site="same-origin").status == 200
    assert browser.send("GET", PATH, {}).status == 200


def test_no_other_site_may_frame_it(site: Site, browser: Browser) -> None:
    assert browser.send("GET", PATH, {**FRAME, "sec-fetch-site": "cross-site"}).code == "cross_site"
    assert site.graph.sent() == []


@pytest.mark.parametrize(
    "query", ["?format=xml", "?format=", "?images=all", "?images=", "?format=text&format=html", "?x=1"]
)
def test_parameters_are_those_and_no_others(site: Site, browser: Browser, query: str) -> None:
    assert framed(browser, query).code == "invalid_request"
    assert site.graph.sent() == []


def test_what_went_wrong_is_said_inside_the_frame(site: Site, browser: Browser) -> None:
    site.graph.messages = []
    answer = framed(browser)
    assert (answer.status, answer.code, answer.kind) == (404, "message_not_found", "text/html")
    policy = answer.header("Content-Security-Policy") or ""
    assert "frame-ancestors 'self'" in policy and "sandbox" in policy
    assert "href=" not in answer.text and "<script" not in answer.text
    assert "frame-ancestors 'none'" in (browser.navigate(PATH).header("Content-Security-Policy") or "")


def test_a_message_of_fourteen_megabytes_is_refused_clearly(site: Site, browser: Browser) -> None:
    site.network.answer(f"{GRAPH}/me/messages", TooLarge())
    answer = framed(browser)
    assert (answer.status, answer.code) == (413, "message_too_large")


def test_without_a_session_nothing_is_asked(site: Site) -> None:
    assert site.browser().send("GET", PATH, FRAME).code == "not_signed_in"
    assert site.graph.sent() == []


def test_a_rejected_token_is_renewed_once_even_between_text_and_pictures(site: Site, browser: Browser) -> None:
    write(site, '<img src="cid:a">')
    site.graph.attachments = [file("one", "a")]
    site.graph.files = {"one": PNG}
    rejected = Answer(401, {}, b"")
    site.network.answer_once(f"{GRAPH}/me/messages/m%2F1%2B/attachments/one/$value", rejected)
    assert "data:image/png" in framed(browser).text
    assert len([request for request in site.network.sent(HOST) if request.path.endswith("/token")]) == 2
