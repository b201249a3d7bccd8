"""GET api/messages and api/messages/{id}: what of Graph's mail comes through, and by which ids."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.fakes.entra import HOST
from tests.fakes.graph import GRAPH
from tests.fakes.site import FETCH, Site


def public_id(graph_id: str) -> str:
    return base64.urlsafe_b64encode(graph_id.encode()).rstrip(b"=").decode()


ORDINARY: dict[str, Any] = {
    "id": "AAMk-1",
    "subject": "Lunch",
    "from": {"emailAddress": {"name": "Bob", "address": "bob@contoso.example"}},
    "sender": {"emailAddress": {"name": "Bob", "address": "bob@contoso.example"}},
    "receivedDateTime": "2026-10-25T00:30:00.1234567Z",
    "isRead": False,
    "isDraft": False,
    "hasAttachments": True,
    "bodyPreview": "At noon?",
    "importance": "high",
    "flag": {"flagStatus": "flagged"},
}

EMPTY_ONES: list[dict[str, Any]] = [
    {
        **dict.fromkeys(("subject", "from", "sender", "receivedDateTime", "isRead", "bodyPreview", "body")),
        **dict.fromkeys(("hasAttachments", "importance")),
        "id": "n1",
        "toRecipients": [],
        "isDraft": True,
    },
    {"id": "n2"},
    {"id": "n3", "from": {"emailAddress": None}},
    {"id": "n4", "from": {"emailAddress": {"name": "", "address": ""}}, "subject": ""},
    {"id": "n5", "from": {"emailAddress": {"address": "/O=EXCHANGELABS/OU=GROUP (FYDIBOHF23SPDLT)/CN=0F3C9A-DESK"}}},
    {"id": "n6", "toRecipients": None, "ccRecipients": None},
]

ODD_IDS = ["AAMkAD/x+y==", "AAMk-_z=", "a%2Fb", "q?r#s", "x'y", "é𝒜", "x" * 500]


def test_a_message_keeps_graphs_names_and_values_and_gets_our_id() -> None:
    site = Site()
    site.graph.messages = [ORDINARY]
    (found,) = site.signed_in().fetch("/api/messages").json()["messages"]
    assert found == {**ORDINARY, "id": public_id("AAMk-1")}


def test_what_was_not_asked_for_does_not_come_through() -> None:
    site = Site()
    site.graph.messages = [{**ORDINARY, "@odata.etag": "x", "webLink": "https://x", "internetMessageHeaders": []}]
    (found,) = site.signed_in().fetch("/api/messages").json()["messages"]
    assert set(found) == set(ORDINARY)


def test_messages_with_nothing_in_them_are_listed_in_graphs_order_and_each_opens() -> None:
    site = Site()
    site.graph.messages = [ORDINARY, *EMPTY_ONES, {**ORDINARY, "id": "AAMk-2"}]
    browser = site.signed_in()
    listed = browser.fetch("/api/messages").json()["messages"]
    assert [found["id"] for found in listed] == [public_id(message["id"]) for message in site.graph.messages]
    for message, found in zip(site.graph.messages, listed, strict=True):
        opened = browser.fetch(f"/api/messages/{found['id']}")
        assert opened.status == 200
        assert opened.json() == {**message, "id": found["id"]}


@pytest.mark.parametrize("odd", [None, 7, "text", [], True])
def test_an_entry_that_is_no_message_hides_no_other(odd: object) -> None:
    site = Site()
    site.graph.messages = [odd, ORDINARY]
    assert len(site.signed_in().fetch("/api/messages").json()["messages"]) == 1


@pytest.mark.parametrize("odd", [None, 7, ["x"], {}])
def test_a_message_whose_id_is_no_text_is_listed_without_one(odd: object) -> None:
    site = Site()
    site.graph.messages = [{**ORDINARY, "id": odd}]
    (found,) = site.signed_in().fetch("/api/messages").json()["messages"]
    assert found == {**ORDINARY, "id": None}


def test_lone_surrogates_and_absurd_dates_pass_through_as_they_are() -> None:
    odd = {**ORDINARY, "subject": "\ud83d", "bodyPreview": "\x00\u202e", "receivedDateTime": "0001-01-01T00:00:00Z"}
    site = Site()
    site.graph.messages = [odd]
    (found,) = site.signed_in().fetch("/api/messages").json()["messages"]
    assert found == {**odd, "id": public_id("AAMk-1")}


@pytest.mark.parametrize("graph_id", ODD_IDS)
def test_any_id_of_graphs_opens_by_ours_and_is_encoded_once(graph_id: str) -> None:
    site = Site()
    site.graph.messages = [{**ORDINARY, "id": graph_id}]
    browser = site.signed_in()
    (found,) = browser.fetch("/api/messages").json()["messages"]
    assert found["id"].replace("-", "").replace("_", "").isalnum()
    assert browser.fetch(f"/api/messages/{found['id']}").status == 200
    path = urlsplit(site.graph.sent()[-1].url).path
    assert path.removeprefix("/v1.0/me/messages/").count("/") == 0
    assert unquote(path.removeprefix("/v1.0/me/messages/")) == graph_id
    assert ("%25" in path) == ("%" in graph_id)


@pytest.mark.parametrize(
    "given",
    [
        *("..", ".", "../../users", "", "AAMkAD/x+y==", "AAMkAD%2Fx", "x" * 2049, "Zg=", "Z", "_w", "é", "a b"),
        *(public_id(text) for text in ("..", ".", "a\r\nb", "a\x00")),
    ],
)
def test_what_is_no_id_of_ours_is_not_found_and_graph_is_not_asked(given: str) -> None:
    site = Site()
    browser = site.signed_in()
    cookie = {"cookie": f"{browser.session_name}={browser.session}"}
    answer = site.ask("GET", "/api/messages/x", {**FETCH, **cookie}, id=given)
    assert (answer.status, answer.code) == (404, "message_not_found")
    assert site.graph.sent() == []


def test_only_shapes_of_ours_reach_graph_whatever_the_id_says() -> None:
    site = Site()
    browser = site.signed_in()
    browser.fetch(f"/api/messages/{public_id('../../users/x')}")
    (request,) = site.graph.sent()
    assert urlsplit(request.url).path == "/v1.0/me/messages/..%2F..%2Fusers%2Fx"


@pytest.mark.parametrize("top", ["1", "9", "10", "49", "50"])
def test_a_list_has_as_many_messages_as_asked_for(top: str) -> None:
    site = Site()
    assert site.signed_in().fetch(f"/api/messages?top={top}").status == 200
    (request,) = site.graph.sent()
    assert request.query["$top"] == [top]
    assert request.query["$orderby"] == ["receivedDateTime desc"]


def test_a_list_has_25_messages_where_nothing_is_said_and_never_bodies() -> None:
    site = Site()
    site.signed_in().fetch("/api/messages")
    (request,) = site.graph.sent()
    assert request.url.startswith(f"{GRAPH}/me/mailFolders/inbox/messages?")
    assert request.query["$top"] == ["25"]
    assert "body" not in request.query["$select"][0].split(",")


@pytest.mark.parametrize(
    "query",
    [
        *("top=0", "top=51", "top=-1", "top=1e1", "top=%2B5", "top=05", "top=", "top=5&top=5", "top=٥", "top=5%20"),
        *("filter=x", "$top=5", "%24select=body", "%24search=x", "top=5&cursor=x", "cursor=x&cursor=y"),
    ],
)
def test_parameters_that_are_unknown_or_odd_are_refused(query: str) -> None:
    site = Site()
    answer = site.signed_in().fetch("/api/messages?" + query)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert site.graph.sent() == []


@pytest.mark.parametrize(
    "query", ["%24expand=attachments", "headers=false", "headers=", "headers=1", "headers=true&headers=true", "top=5"]
)
def test_a_message_takes_no_other_parameter_than_headers(query: str) -> None:
    site = Site()
    answer = site.signed_in().fetch(f"/api/messages/{public_id('message-0')}?{query}")
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert site.graph.sent() == []


def test_a_message_has_all_its_recipients_and_its_internet_headers_only_where_they_are_asked_for() -> None:
    ada, bob = ({"emailAddress": {"address": f"{name}@contoso.example"}} for name in ("ada", "bob"))
    headers = [{"name": "Received", "value": "from a by b"}, {"name": "Received", "value": "from b by c"}]
    people = {"toRecipients": [ada], "ccRecipients": [bob], "bccRecipients": [ada, bob], "replyTo": [bob]}
    site = Site()
    site.graph.messages = [{**ORDINARY, **people, "internetMessageHeaders": headers}]
    browser = site.signed_in()
    identifier = public_id("AAMk-1")
    assert browser.fetch(f"/api/messages/{identifier}").json() == {**ORDINARY, **people, "id": identifier}
    with_headers = browser.fetch(f"/api/messages/{identifier}?headers=true").json()
    assert with_headers == {**ORDINARY, **people, "id": identifier, "internetMessageHeaders": headers}
    plain, full = (request.query["$select"][0].split(",") for request in site.graph.sent())
    assert set(people) < set(plain)
    assert set(full) - set(plain) == {"internetMessageHeaders"}


def test_a_body_is_asked_for_as_text_and_unsafe_html_never() -> None:
    site = Site()
    site.signed_in().fetch(f"/api/messages/{public_id('message-0')}")
    (request,) = site.graph.sent()
    assert request.headers["Prefer"] == 'outlook.body-content-type="text", IdType="ImmutableId"'


def test_each_token_goes_to_its_own_host_alone() -> None:
    site = Site()
    browser = site.signed_in()
    browser.fetch("/api/messages")
    site.clock.advance(3601)
    browser.fetch("/api/messages")
    assert site.entra.grants == 2
    for request in site.network.requests:
        sent = f"{dict(request.headers)}{request.body.decode()}"
        assert ("access-" in sent) == request.url.startswith(GRAPH)
        assert ("refresh-" in sent or "code-" in sent) <= request.url.startswith(HOST)


def test_nothing_of_the_callers_headers_reaches_graph() -> None:
    site = Site()
    browser = site.signed_in()
    hostile = {"authorization": "Bearer evil", "prefer": "outlook.allow-unsafe-html", "x-anchormailbox": "other"}
    browser.fetch("/api/messages", **hostile)
    (request,) = site.graph.sent()
    assert set(request.headers) == {"Authorization", "Accept", "Accept-Encoding", "Prefer"}
    assert request.headers["Prefer"] == 'IdType="ImmutableId"'
    assert request.headers["Authorization"] == "Bearer access-1"


def test_nobody_signed_in_means_401_with_where_to_sign_in_and_no_redirect() -> None:
    site = Site()
    answer = site.browser().fetch("/api/messages")
    assert (answer.status, answer.code, answer.kind) == (401, "not_signed_in", "application/problem+json")
    assert answer.header("Location") is None
    assert site.graph.sent() == []


@pytest.mark.parametrize("target", ["/api/messages", f"/api/messages/{public_id('message-0')}", "/auth/me"])
@pytest.mark.parametrize(("mode", "destination"), [("cors", "empty"), ("no-cors", "image"), ("no-cors", "script")])
def test_reads_refuse_cross_site_requests(target: str, mode: str, destination: str) -> None:
    site = Site()
    headers = {"sec_fetch_site": "cross-site", "sec_fetch_mode": mode, "sec_fetch_dest": destination}
    browser = site.signed_in()
    before = len(site.store.calls)
    answer = browser.fetch(target, **headers)
    assert (answer.status, answer.code) == (403, "cross_site")
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"
    assert len(site.store.calls) == before
    assert site.graph.sent() == []


@pytest.mark.parametrize("site_value", ["same-origin", "same-site", "none"])
def test_reads_from_our_own_site_pass(site_value: str) -> None:
    assert Site().signed_in().fetch("/api/messages", sec_fetch_site=site_value).status == 200
