"""GET api/messages while Graph or Entra fail: an honest answer, at once, without asking again and again."""

from __future__ import annotations

import pytest

from shared.clock import http_date
from shared.wire import Answer, TooLarge, TooSlow, Unreachable
from tests.fakes.clock import START
from tests.fakes.entra import refusal
from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.network import json_answer
from tests.fakes.site import Site
from tests.fakes.store import UNAVAILABLE

REJECTED = graph_error(401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("failure", "status", "code", "graph_code", "calls"),
    [
        (graph_error(504, "UnknownError", ""), 504, "graph_timeout", "UnknownError", 1),
        (Answer(504, {"content-type": "text/html"}, b"<h1>Reference #97.1</h1>"), 504, "graph_timeout", None, 1),
        (graph_error(500, "InternalServerError"), 502, "graph_bad_answer", "InternalServerError", 1),
        (graph_error(502, "BadGateway"), 502, "graph_bad_answer", "BadGateway", 1),
        (graph_error(503, "ServiceUnavailable"), 503, "graph_unavailable", "ServiceUnavailable", 2),
        (graph_error(503, "ServiceUnavailable", retry_after="20"), 503, "graph_unavailable", "ServiceUnavailable", 1),
        (graph_error(400, "ServiceUnavailable"), 502, "graph_refused", "ServiceUnavailable", 1),
        (graph_error(403, "ErrorAccessDenied"), 403, "consent_required", "ErrorAccessDenied", 1),
        (graph_error(404, "MailboxNotEnabledForRESTAPI"), 404, "no_mailbox", "MailboxNotEnabledForRESTAPI", 1),
        (graph_error(404, "ResourceNotFound"), 404, "no_mailbox", "ResourceNotFound", 1),
        (graph_error(429, "ApplicationThrottled"), 429, "throttled", "ApplicationThrottled", 1),
        (graph_error(400, "<script>"), 502, "graph_refused", None, 1),
        (json_answer({"error": "text"}, 400), 502, "graph_refused", None, 1),
        (json_answer([], 500), 502, "graph_bad_answer", None, 1),
        (json_answer({}, 302, location="https://evil.example/"), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b'{"value":[<!DOCTYPE html>'), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b""), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b"[]"), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b'{"value":null}'), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b'{"value":{}}'), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b'{"value":[NaN]}'), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b"[" * 100_000), 502, "graph_bad_answer", None, 1),
        (Answer(200, {}, b"\xff\xfe"), 502, "graph_bad_answer", None, 1),
        (Answer(204, {}, b""), 502, "graph_refused", None, 1),
        (TooLarge(), 502, "graph_bad_answer", None, 1),
        (TooSlow(), 504, "graph_timeout", None, 1),
        (Unreachable(), 503, "graph_unavailable", None, 2),
        (Unreachable(), 503, "graph_unavailable", None, 2),
    ],
)
def test_graph_faults_map_without_amplification(
    failure: Answer | Unreachable, status: int, code: str, graph_code: str | None, calls: int
) -> None:
    site = Site()
    browser = site.signed_in()
    site.network.answer(GRAPH, failure)
    answer = browser.fetch("/api/messages")
    assert (answer.status, answer.code) == (status, code)
    assert answer.json().get("graph_code") == graph_code
    assert len(site.graph.sent()) == calls
    assert site.entra.grants == 1, "no refresh for what a token cannot mend"
    assert "DOCTYPE" not in answer.text
    assert "What Graph says" not in answer.text
    site.network.answer(GRAPH, json_answer({"value": []}))
    assert browser.fetch("/api/messages").status == 200, "the same session goes on"


def test_graphs_request_id_comes_along_for_whoever_must_ask_microsoft() -> None:
    site = Site()
    browser = site.signed_in()
    site.graph.fails(graph_error(504, "UnknownError", ""), graph_error(504, "UnknownError", request_id="of-header"))
    assert browser.fetch("/api/messages").json()["request_id"] == "request-id-of-graph"
    assert browser.fetch("/api/messages").json()["request_id"] == "of-header"


@pytest.mark.parametrize("first", [graph_error(503, "ServiceUnavailable"), Unreachable()])
def test_one_moment_of_weakness_is_not_noticed(first: Answer | Unreachable) -> None:
    site = Site()
    browser = site.signed_in()
    site.network.answer_once(GRAPH, first)
    assert browser.fetch("/api/messages").status == 200
    assert len(site.graph.sent()) == 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (http_date(START + 20), 20),
        ("120", 120),
        ("2.128", 3),
        (None, 5),
        ("soon", 5),
        ("-5", 5),
        (http_date(START - 86400), 1),
        ("0", 1),
        ("99999999999", 600),
    ],
)
@pytest.mark.parametrize(("status", "code"), [(429, "throttled"), (503, "graph_unavailable")])
def test_retry_after_of_any_form_becomes_a_whole_number_that_makes_sense(
    status: int, code: str, header: str | None, seconds: int
) -> None:
    site = Site()
    browser = site.signed_in()
    headers = {} if header is None else {"retry_after": header}
    site.network.answer(GRAPH, graph_error(status, "ApplicationThrottled", **headers))
    answer = browser.fetch("/api/messages")
    assert (answer.status, answer.code, answer.header("Retry-After")) == (status, code, str(seconds))
    assert answer.json()["graph_code"] == "ApplicationThrottled"
    assert len(site.graph.sent()) <= 2


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        'Bearer realm="", authorization_uri="https://login.example/authorize"',
        'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="',
        'Bearer error="insufficient_claims", claims="' + "x" * 10_240 + '"',
        'Bearer error="insufficient_claims", claims="!!not base64!!"',
    ],
)
def test_a_token_that_graph_rejects_is_renewed_once_and_then_the_person_is_asked(challenge: str) -> None:
    site = Site()
    browser = site.signed_in()
    rejected = Answer(401, {**REJECTED.headers, "www-authenticate": challenge}, REJECTED.body)
    site.network.answer(GRAPH, rejected)
    answer = browser.fetch("/api/messages")
    assert (answer.status, answer.code) == (401, "interaction_required")
    assert "login_url" in answer.json()
    assert len(site.graph.sent()) == 2
    assert site.entra.grants == 2
    assert len(site.store.session_rows()) == 1, "the session stays"


def test_a_token_that_graph_rejects_once_is_renewed_unseen() -> None:
    site = Site()
    browser = site.signed_in()
    site.graph.fails(REJECTED)
    assert browser.fetch("/api/messages").status == 200
    first, second = (request.headers["Authorization"] for request in site.graph.sent())
    assert first != second


def test_without_refresh_token_the_session_ends_with_the_access_token() -> None:
    site = Site()
    site.entra.answer = {"refresh_token": None}
    browser = site.signed_in()
    assert browser.fetch("/api/messages").status == 200
    site.clock.advance(3600)
    for target in ("/api/messages", "/auth/me", "/api/messages"):
        assert browser.fetch(target).status == 401
    assert site.entra.grants == 1


def test_without_refresh_token_a_rejected_access_token_ends_the_session_without_a_loop() -> None:
    site = Site()
    site.entra.answer = {"refresh_token": None}
    browser = site.signed_in()
    site.graph.fails(REJECTED)
    assert (browser.fetch("/api/messages").code, browser.fetch("/api/messages").code) == ("not_signed_in",) * 2
    assert (site.entra.grants, len(site.graph.sent())) == (1, 1)


def test_an_expired_token_is_renewed_before_graph_is_asked() -> None:
    site = Site()
    browser = site.signed_in()
    site.clock.advance(3601)
    assert browser.fetch("/api/messages").status == 200
    (request,) = site.graph.sent()
    assert request.headers["Authorization"] == "Bearer access-2"


@pytest.mark.parametrize(
    ("error", "number", "suberror", "fields", "status", "code", "lives"),
    [
        ("invalid_grant", 700082, "", {}, 401, "not_signed_in", False),
        ("invalid_grant", 70008, "token_expired", {}, 401, "not_signed_in", False),
        ("invalid_grant", 50173, "bad_token", {}, 401, "not_signed_in", False),
        ("invalid_grant", 50076, "basic_action", {"claims": "{}"}, 401, "interaction_required", True),
        ("invalid_grant", 53003, "message_only", {}, 401, "interaction_required", True),
        ("invalid_grant", 50076, "", {"claims": "{}"}, 401, "interaction_required", True),
        ("interaction_required", 70043, "token_expired", {"claims": "{}"}, 401, "interaction_required", True),
        ("login_required", 50058, "", {}, 401, "interaction_required", True),
        ("invalid_grant", 65001, "consent_required", {}, 401, "interaction_required", True),
        ("consent_required", 65001, "", {}, 401, "interaction_required", True),
        ("invalid_client", 7000222, "", {}, 503, "app_registration_refused", True),
        ("temporarily_unavailable", 90033, "", {}, 503, "entra_unavailable", True),
    ],
)
def test_only_a_dead_grant_ends_a_session(
    error: str, number: int, suberror: str, fields: dict[str, str], status: int, code: str, lives: bool
) -> None:
    site = Site()
    browser = site.signed_in()
    site.clock.advance(3601)
    site.network.answer_once(site.entra.token_endpoint, refusal(error, number, suberror=suberror, **fields))
    answer = browser.fetch("/api/messages")
    assert (answer.status, answer.code) == (status, code)
    assert ("login_url" in answer.json()) == (status != 503)
    assert len(site.store.session_rows()) == lives
    assert site.graph.sent() == []


def test_a_table_that_is_away_never_means_signed_out() -> None:
    site = Site()
    browser = site.signed_in()
    site.store.script("read", UNAVAILABLE)
    answer = browser.fetch("/api/messages")
    assert (answer.status, answer.code) == (503, "storage_unavailable")
    assert answer.cookies == []
    assert browser.fetch("/api/messages").status == 200


def test_every_call_has_a_deadline_within_its_budget() -> None:
    site = Site()
    browser = site.signed_in()
    site.clock.advance(3601)
    browser.fetch("/api/messages")
    assert [request.seconds for request in site.network.sent(site.entra.token_endpoint)] == [7.0, 7.0]
    assert [request.seconds for request in site.graph.sent()] == [10.0]
