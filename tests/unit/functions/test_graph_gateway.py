"""graph/v1.0: what a caller can make Graph do, and what of both sides' headers and links comes through."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.wire import Answer
from tests.fakes.build import PUBLIC_URL
from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.network import json_answer
from tests.fakes.site import FETCH, Browser, Seen, Site

ID = "AAMkAGI2THVSAAA/x+y-_AAAAAAAAAAAAAAAAAA=="
ENCODED = "AAMkAGI2THVSAAA%2Fx%2By-_AAAAAAAAAAAAAAAAAA%3D%3D"
OURS = base64.urlsafe_b64encode(ID.encode()).rstrip(b"=").decode()
ALL = "User.Read Mail.Read Mail.ReadWrite Mail.Send Calendars.Read Contacts.Read MailboxSettings.Read"
HOSTILE_HEADERS = {
    "authorization": "Bearer evil",
    "host": "evil.example",
    "prefer": "outlook.allow-unsafe-html",
    "x-forwarded-host": "evil.example",
    "x_forwarded_host": "evil.example",
    "x-http-method-override": "DELETE",
    "content_type": "text/plain",
    "connection": "authorization",
    "te": "trailers",
    "transfer-encoding": "chunked",
    "if-match": "*",
    "accept": "text/html",
    "origin": "https://evil.example",
}


def site(**settings: str | None) -> Site:
    where = Site(**{"GRAPH_OPTIONAL_SCOPES": "Mail.ReadWrite Mail.Send Calendars.Read Contacts.Read", **settings})
    where.entra.answer = {"scope": ALL}
    return where


def send(browser: Browser, method: str, path: str, body: Any = None, **headers: str) -> Seen:
    sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {**FETCH, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return browser.send(method, f"/graph/v1.0/{path}", own, sent)


def test_a_listed_call_reaches_graph_rebuilt_and_its_json_comes_back_as_it_is() -> None:
    where = site()
    browser = where.signed_in()
    document = {"id": ID, "subject": "\ud800 é", "@odata.etag": 'W/"x"', "extra": [None, 1.5, True]}
    where.graph.fails(json_answer(document))
    answer = send(browser, "GET", f"me/messages/{OURS}?$select=id,subject")
    assert (answer.status, answer.kind, answer.json()) == (200, "application/json", document)
    (sent,) = where.graph.sent()
    assert (sent.method, sent.url) == ("GET", f"{GRAPH}/me/messages/{ENCODED}?$select=id%2Csubject")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", path)
            for path in ("", "me/", "/me", "ME", "users", "me/messages/delta", "me/messages/$count", "$batch")
        ),
        *(("GET", path) for path in (f"me/messages/{ID}", "me/../users", "me/messages/..", "me;x", "me%2fmessages")),
        *(("POST", path) for path in ("me/messages", "me/microsoft.graph.sendMail", "me/sendmail", "$batch", "me")),
        *(("DELETE", path) for path in ("me", "me/messages", f"me/contacts/{OURS}", "me/mailFolders/inbox")),
        *(("PATCH", path) for path in ("me", "me/mailboxSettings", "me/mailFolders/inbox")),
    ],
)
def test_what_has_no_shape_is_not_found_and_graph_not_asked(method: str, path: str) -> None:
    where = site()
    answer = send(where.signed_in(), method, path, {})
    assert (answer.status, answer.code) == (404, "not_found")
    assert where.graph.sent() == []


@pytest.mark.parametrize(
    "query",
    [
        *(
            "$expand=x",
            "$SELECT=id",
            "select=id",
            "%24expand=x",
            "$select=id&$select=x",
            "$filter=x",
            "a=b",
            "$search=x",
        ),
        *("startDateTime=x", "$skiptoken=x", "cursor=x&$select=id", "%2524select=id"),
    ],
)
def test_an_option_that_the_shape_does_not_name_is_refused(query: str) -> None:
    where = site()
    answer = send(where.signed_in(), "GET", f"me/mailboxSettings?{query}")
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert where.graph.sent() == []


def test_an_options_value_cannot_become_another_option() -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(json_answer({"value": []}))
    send(browser, "GET", "me/messages?$filter=a%26$expand%3Db%23c%2Bd")
    (sent,) = where.graph.sent()
    assert parse_qs(urlsplit(sent.url).query) == {"$filter": ["a&$expand=b#c+d"]}


def test_of_a_requests_headers_only_known_preferences_go_to_graph() -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(json_answer({}), json_answer({}))
    assert browser.send("GET", "/graph/v1.0/me", {**FETCH, **HOSTILE_HEADERS}).status == 200
    send(browser, "GET", "me", prefer='IdType="ImmutableId", outlook.allow-unsafe-html')
    first, second = where.graph.sent()
    own = {"Authorization": "Bearer access-1", "Accept": "application/json", "Accept-Encoding": "gzip"}
    assert dict(first.headers) == own
    assert dict(second.headers) == {**own, "Prefer": 'IdType="ImmutableId"'}


def test_of_graphs_headers_only_two_come_back() -> None:
    where = site()
    browser = where.signed_in()
    hostile = {
        "set-cookie": "__Host-Http-session=evil; Path=/",
        "location": "https://evil.example/",
        "refresh": "0;url=https://evil.example/",
        "content-security-policy": "default-src *",
        "access-control-allow-origin": "*",
        "cache-control": "public",
        "content-encoding": "x",
        "clear-site-data": "*",
        "strict-transport-security": "max-age=0",
    }
    kept = {"request-id": "r-1", "preference-applied": 'IdType="ImmutableId"'}
    where.graph.fails(Answer(200, {**kept, **hostile}, b"{}"))
    answer = send(browser, "GET", "me")
    assert answer.header("request-id") == "r-1"
    assert answer.header("preference-applied") == 'IdType="ImmutableId"'
    assert (answer.header("cache-control"), answer.cookies) == ("no-store", [])
    names = {name.lower() for name, _ in answer.headers}
    assert not names & {"location", "refresh", "access-control-allow-origin", "clear-site-data", "content-encoding"}
    assert "default-src 'none'" in str(answer.header("content-security-policy"))
    assert answer.header("strict-transport-security") == "max-age=31536000"


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("PATCH", f"me/messages/{OURS}", {"isRead": True, "categories": ["Red"]}, json_answer({"isRead": True})),
        ("DELETE", f"me/messages/{OURS}", None, Answer(204, {}, b"")),
        ("POST", f"me/messages/{OURS}/move", {"destinationId": "archive"}, json_answer({"id": "new"}, 201)),
        ("POST", f"me/messages/{OURS}/reply", {"comment": "é \ud800"}, Answer(202, {}, b"")),
        ("POST", "me/sendMail", {"message": {"subject": "x"}}, Answer(202, {}, b"")),
    ],
)
def test_each_write_reaches_graph_once_as_one_json_object(method: str, path: str, body: Any, answer: Answer) -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(answer)
    found = send(browser, method, path, body, content_type="text/plain")
    assert found.status == answer.status
    assert json.loads(found.body or b"0") == json.loads(answer.body or b"0")
    (sent,) = where.graph.sent()
    assert (sent.method, sent.path) == (method, "/v1.0/" + path.replace(OURS, ENCODED))
    assert (json.loads(sent.body) if sent.body else None) == body
    assert sent.headers.get("Content-Type") == (None if body is None else "application/json")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b'{"a": NaN}', b"[" * 100_000, b'{"a":"' + b"x" * 4_200_000 + b'"}']
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    where = site()
    answer = send(where.signed_in(), "POST", "me/sendMail", body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert where.graph.sent() == []


@pytest.mark.parametrize("came_from", ["cross-site", "same-site", "none"])
@pytest.mark.parametrize(("method", "path"), [("POST", "me/sendMail"), ("DELETE", f"me/messages/{OURS}")])
def test_only_our_own_page_may_write(method: str, path: str, came_from: str) -> None:
    where = site()
    answer = send(where.signed_in(), method, path, {}, sec_fetch_site=came_from)
    assert (answer.status, answer.code) == (403, "cross_site")
    assert where.graph.sent() == []


def test_another_sites_page_may_not_read() -> None:
    where = site()
    assert send(where.signed_in(), "GET", "me", sec_fetch_site="cross-site").code == "cross_site"
    assert where.graph.sent() == []


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("POST", "me/sendMail", "Mail.Send"),
        ("POST", f"me/messages/{OURS}/move", "Mail.ReadWrite"),
        ("GET", "me/calendarView?startDateTime=a&endDateTime=b", "Calendars.Read"),
        ("GET", "me/contacts", "Contacts.Read"),
    ],
)
def test_a_call_whose_permission_is_missing_asks_for_exactly_that(method: str, path: str, wanted: str) -> None:
    where = site()
    where.entra.answer = {}
    answer = send(where.signed_in(), method, path, {})
    assert (answer.status, answer.code) == (403, "consent_required")
    assert parse_qs(urlsplit(answer.json()["login_url"]).query)["consent"] == [wanted]
    assert where.graph.sent() == []


def test_a_send_that_may_have_happened_is_not_repeated() -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(graph_error(503, "MailboxInfoStale"))
    assert send(browser, "POST", "me/sendMail", {}).code == "graph_unavailable"
    assert len(where.graph.sent()) == 1


def test_the_next_page_leads_back_here_and_is_graphs_own_link() -> None:
    where = site()
    browser = where.signed_in()
    link = f"{GRAPH}/me/messages?$skiptoken=%5b%7B%22a%22%3a%22%2bR%23%22%7D%5d"
    where.graph.fails(json_answer({"value": [1], "@odata.nextLink": link}), json_answer({"value": [2]}))
    first = send(browser, "GET", "me/messages?$top=1").json()
    following = first["@odata.nextLink"]
    assert following.startswith(f"{PUBLIC_URL}/graph/v1.0/me/messages?cursor=")
    assert "skiptoken" not in following
    assert send(browser, "GET", following.partition("/graph/v1.0/")[2]).json() == {"value": [2]}
    assert where.graph.sent()[1].url == link


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/me/messages",
        "http://graph.microsoft.com/v1.0/me/messages",
        f"{GRAPH}/users/x/messages",
        7,
    ],
)
def test_a_next_page_elsewhere_is_a_bad_answer(link: Any) -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(json_answer({"value": [], "@odata.nextLink": link}))
    assert send(browser, "GET", "me/messages").code == "graph_bad_answer"
    assert len(where.graph.sent()) == 1


def test_a_cursor_of_another_session_or_an_altered_one_is_refused() -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(json_answer({"value": [], "@odata.nextLink": f"{GRAPH}/me/messages?$skip=1"}))
    following = send(browser, "GET", "me/messages").json()["@odata.nextLink"].partition("/graph/v1.0/")[2]
    assert send(where.signed_in(), "GET", following).code == "invalid_cursor"
    altered = following[:-1] + ("A" if following[-1] != "A" else "B")
    assert send(browser, "GET", altered).code == "invalid_cursor"
    assert len(where.graph.sent()) == 1


@pytest.mark.parametrize("answer", [Answer(200, {}, b"<html>"), Answer(200, {}, b"[]"), Answer(206, {}, b"{}")])
def test_an_answer_that_is_no_json_object_is_a_bad_one(answer: Answer) -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(answer)
    assert (send(browser, "GET", "me").status, answer.status // 100) == (502, 2)


def test_an_id_that_graph_does_not_know_is_not_found_with_graphs_code() -> None:
    where = site()
    browser = where.signed_in()
    where.graph.fails(graph_error(404, "ErrorItemNotFound"))
    answer = send(browser, "GET", f"me/contacts/{OURS}")
    assert (answer.status, answer.code, answer.json()["graph_code"]) == (404, "not_found", "ErrorItemNotFound")


def test_without_a_session_nothing_is_asked() -> None:
    where = site()
    assert send(where.browser(), "GET", "me").code == "not_signed_in"
    assert send(where.browser(), "POST", "me/sendMail", {}).code == "not_signed_in"
    assert where.graph.sent() == []
