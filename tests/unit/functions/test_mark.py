"""PATCH api/messages/{id}: marking as read and flagging, and the permission that only this needs."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.wire import Answer
from tests.fakes.graph import graph_error
from tests.fakes.network import json_answer
from tests.fakes.site import FETCH, Browser, Seen, Site

ID = "AAMkAD/x+y=="
TARGET = "/api/messages/" + base64.urlsafe_b64encode(ID.encode()).rstrip(b"=").decode()
WRITER = {"scope": "User.Read Mail.Read Mail.ReadWrite"}


def site(**settings: str | None) -> Site:
    return Site(**{"GRAPH_OPTIONAL_SCOPES": "Mail.ReadWrite Mail.Send", **settings})


def writer(where: Site) -> Browser:
    where.entra.answer = WRITER
    return where.signed_in()


def mark(browser: Browser, body: Any, **headers: str) -> Seen:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {**FETCH, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return browser.send("PATCH", TARGET, own, sent)


@pytest.mark.parametrize(
    "changes",
    [
        {"isRead": True},
        {"isRead": False},
        {"flag": {"flagStatus": "flagged"}},
        {"flag": {"flagStatus": "notFlagged"}, "isRead": True},
        {"flag": {"flagStatus": "complete"}},
    ],
)
def test_what_is_asked_for_is_changed_in_one_call(changes: dict[str, Any]) -> None:
    where = site()
    browser = writer(where)
    where.graph.fails(Answer(204, {}, b""))
    answer = mark(browser, changes)
    assert (answer.status, answer.json()) == (200, {"id": TARGET.rpartition("/")[2], **changes})
    (sent,) = where.graph.sent()
    assert (sent.method, sent.path) == ("PATCH", "/v1.0/me/messages/AAMkAD%2Fx%2By%3D%3D")
    assert json.loads(sent.body) == changes
    assert sent.headers["Content-Type"] == "application/json"


def test_a_whole_message_as_graphs_answer_does_as_well() -> None:
    where = site()
    browser = writer(where)
    where.graph.fails(json_answer({"id": ID, "isRead": True, "subject": "x"}))
    assert mark(browser, {"isRead": True}).status == 200


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"{}", b'{"isRead":true}' + b" " * 1024, b"[" * 1000, b"\xff"),
        *({"isRead": "true"}, {"isRead": None}, {"isRead": 1}, {"subject": "x"}, {"isRead": True, "body": "x"}),
        *({"flag": "flagged"}, {"flag": {}}, {"flag": {"flagStatus": "red"}}, {"flag": {"flagStatus": ["flagged"]}}),
        {"flag": {"flagStatus": "flagged", "dueDateTime": {}}},
    ],
)
def test_any_other_body_is_refused_and_graph_not_asked(body: Any) -> None:
    where = site()
    answer = mark(writer(where), body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert where.graph.sent() == []


def test_without_the_permission_the_login_url_asks_for_exactly_it() -> None:
    where = site()
    browser = where.signed_in()
    answer = mark(browser, {"isRead": True})
    assert (answer.status, answer.code) == (403, "consent_required")
    query = parse_qs(urlsplit(answer.json()["login_url"]).query)
    assert query == {"consent": ["Mail.ReadWrite"], "return_to": ["/"]}
    assert where.graph.sent() == []
    asked = parse_qs(urlsplit(browser.login("?" + urlsplit(answer.json()["login_url"]).query)).query)["scope"][0]
    assert set(asked.split()) == {"User.Read", "Mail.Read", "Mail.ReadWrite", "openid", "profile", "offline_access"}


def test_after_the_consent_it_works_and_refreshes_go_on_asking_for_what_was_granted() -> None:
    where = site()
    browser = where.signed_in()
    address = browser.login("?" + urlsplit(mark(browser, {"isRead": True}).json()["login_url"]).query)
    where.entra.answer = WRITER
    assert browser.navigate(browser.callback(address)).status == 303
    where.graph.messages = [{"id": ID}]
    assert mark(browser, {"isRead": True}).status == 200
    where.clock.advance(4000)
    assert mark(browser, {"isRead": False}).status == 200
    refresh = where.network.requests[-2]
    assert refresh.form["grant_type"] == "refresh_token"
    assert {"User.Read", "Mail.Read", "Mail.ReadWrite"} <= set(refresh.form["scope"].split())


def test_a_permission_that_the_app_may_not_ask_for_has_no_login_url() -> None:
    answer = mark(Site().signed_in(), {"isRead": True})
    assert (answer.status, answer.code) == (403, "consent_required")
    assert "login_url" not in answer.json()
    assert "Mail.ReadWrite" in answer.json()["detail"]


def test_a_long_name_in_the_settings_is_asked_for_as_it_is_written() -> None:
    name = "https://graph.microsoft.com/Mail.ReadWrite"
    answer = mark(site(GRAPH_OPTIONAL_SCOPES=name).signed_in(), {"isRead": True})
    assert parse_qs(urlsplit(answer.json()["login_url"]).query)["consent"] == [name]


def test_graphs_own_refusal_asks_for_the_permission_too() -> None:
    where = site()
    browser = writer(where)
    where.graph.fails(graph_error(403, "ErrorAccessDenied"))
    answer = mark(browser, {"isRead": True})
    assert (answer.status, answer.json()["graph_code"]) == (403, "ErrorAccessDenied")
    assert "consent=Mail.ReadWrite" in answer.json()["login_url"]


def test_tokens_that_name_no_permission_leave_it_to_graph() -> None:
    where = site(GRAPH_SCOPES="https://graph.microsoft.com/.default")
    where.entra.answer = {"scope": None}
    browser = where.signed_in()
    where.graph.messages = [{"id": ID}]
    assert mark(browser, {"isRead": True}).status == 200


@pytest.mark.parametrize("site_header", ["cross-site", "same-site", "none"])
def test_only_our_own_page_may_change_anything(site_header: str) -> None:
    where = site()
    answer = mark(writer(where), {"isRead": True}, sec_fetch_site=site_header)
    assert (answer.status, answer.code) == (403, "cross_site")
    assert where.graph.sent() == []


def test_an_unknown_message_is_not_found_and_a_broken_call_is_not_repeated() -> None:
    where = site()
    browser = writer(where)
    where.graph.messages = []
    assert mark(browser, {"isRead": True}).code == "message_not_found"
    where.graph.fails(graph_error(503, "MailboxInfoStale"))
    assert mark(browser, {"isRead": True}).code == "graph_unavailable"
    assert len(where.graph.sent()) == 2
