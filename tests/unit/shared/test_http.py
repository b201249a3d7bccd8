"""Requests in, answers out."""

from __future__ import annotations

import json
import re

import azure.functions as func
import pytest

from shared import errors, graph_errors, http
from shared.cookies import Cookie
from tests.fakes.build import PUBLIC_URL, config
from tests.fakes.site import request

URL = "https://mail.example.org/api/messages"


def parsed(query: str, known: tuple[str, ...] | None = None) -> dict[str, str]:
    return http.parameters(request("GET", f"{URL}?{query}"), known)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=1&b=%2F%26", {"a": "1", "b": "/&"}),
        ("a=x+y", {"a": "x y"}),
        ("a=%C3%A9", {"a": "é"}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("a=line%0D%0Abreak", {"a": "line\r\nbreak"}),
        ("a=" + "x" * 8190, {"a": "x" * 8190}),
    ],
)
def test_parameters_are_read_from_the_url_itself(query: str, found: dict[str, str]) -> None:
    assert parsed(query) == found


@pytest.mark.parametrize(
    "query",
    ["a=1&a=1", "a=1&a=", "a&a", "a=%ff", "a=%C3", "a=%00", "a=%1b", "a=%7f", "a=" + "x" * 8191, "&".join("abcd" * 8)],
)
def test_repeated_odd_or_endless_parameters_are_refused(query: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        parsed(query)


def test_parameters_beyond_those_known_are_refused() -> None:
    assert parsed("a=1", ("a", "b")) == {"a": "1"}
    with pytest.raises(errors.InvalidRequest):
        parsed("a=1&c=2", ("a", "b"))
    with pytest.raises(errors.InvalidRequest):
        parsed("a=1", ())


@pytest.mark.parametrize("host", ["[", "[::1", "ex]ample", "\u2100.example"])
def test_an_odd_host_header_in_the_url_is_no_failure(host: str) -> None:
    given = request("GET", f"https://{host}/auth/me?a=1")
    assert http.parameters(given) == {"a": "1"}


def test_what_the_host_made_of_the_query_is_not_looked_at() -> None:

    given = func.HttpRequest("GET", f"{URL}?a=1", params={"a": "2", "b": "3"}, body=b"")
    assert http.parameters(given) == {"a": "1"}


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ({}, False),
        ({"accept": "*/*"}, False),
        ({"accept": "application/json"}, False),
        ({"accept": "text/html,application/xhtml+xml;q=0.9"}, True),
        ({"accept": "application/json, text/html"}, False),
        ({"accept": "text/html, application/json"}, True),
        ({"sec-fetch-mode": "navigate", "accept": "application/json"}, True),
        ({"sec-fetch-mode": "cors", "accept": "text/html"}, False),
    ],
)
def test_a_page_is_for_whoever_opens_one(headers: dict[str, str], page: bool) -> None:
    assert http.wants_page(request("GET", URL, headers)) is page


@pytest.mark.parametrize(
    ("site", "origin", "passes"),
    [
        ("same-origin", None, True),
        ("same-origin", "https://evil.example", True),
        (None, PUBLIC_URL, True),
        (None, None, False),
        ("cross-site", PUBLIC_URL, False),
        ("same-site", PUBLIC_URL, False),
        ("none", PUBLIC_URL, False),
        ("", PUBLIC_URL, False),
        (None, PUBLIC_URL + ".evil.example", False),
        (None, "null", False),
    ],
)
def test_unsafe_methods_are_let_through_from_our_own_page_alone(
    site: str | None, origin: str | None, passes: bool
) -> None:
    given = {"sec-fetch-site": site, "origin": origin}
    asked = request("POST", URL, {name: value for name, value in given.items() if value is not None})
    if passes:
        http.require_own_page(asked, config())
    else:
        with pytest.raises(errors.CrossSite):
            http.require_own_page(asked, config())


def test_our_own_origin_locally_is_that_of_the_settings() -> None:
    asked = request("POST", URL, {"origin": "http://localhost:7071"})
    http.require_own_page(asked, config(PUBLIC_URL="http://localhost:7071"))
    with pytest.raises(errors.CrossSite):
        http.require_own_page(asked, config(PUBLIC_URL="http://localhost:7072"))


def test_where_to_sign_in_is_absolute_and_encoded_once() -> None:
    assert http.login_url(config(), "/?a=b&c=d#e") == f"{PUBLIC_URL}/auth/login?return_to=/%3Fa%3Db%26c%3Dd%23e"
    assert http.login_url(None, "/") == "/auth/login?return_to=/"
    assert http.login_url(config(), "/", step_up=True) == f"{PUBLIC_URL}/auth/login?step_up=1&return_to=/"
    wanted = http.login_url(config(), "/", consent="Mail.ReadWrite")
    assert wanted == f"{PUBLIC_URL}/auth/login?consent=Mail.ReadWrite&return_to=/"


def test_a_redirect_has_no_body_and_its_cookies() -> None:
    answer = http.redirect("https://x.example/", cookies=[Cookie("a", "1", "Lax", True), Cookie("b", "2", "Lax", True)])
    assert (answer.status_code, answer.get_body()) == (303, b"")
    assert answer.headers["Location"] == "https://x.example/"
    assert len(answer.headers.getlist("Set-Cookie")) == 2


def test_what_a_handler_has_set_itself_stays() -> None:
    answer = http.dressed(http.Response(headers={"Cache-Control": "no-cache"}), config(), "a" * 32)
    assert answer.headers.getlist("Cache-Control") == ["no-cache"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_trace_id_is_the_callers_or_a_new_one_each_time() -> None:
    sent = {"traceparent": f"00-{'c' * 32}-{'d' * 16}-00"}
    assert http.trace_id(request("GET", URL, sent)) == "c" * 32
    drawn = {http.trace_id(request("GET", URL)) for _ in range(10)}
    assert len(drawn) == 10
    assert all(re.fullmatch(r"[0-9a-f]{32}", trace) for trace in drawn)


@pytest.mark.parametrize("seconds", [None, 0, 1, 600])
def test_retry_after_is_sent_where_there_is_one(seconds: int | None) -> None:
    problem = graph_errors.Throttled(retry_after=seconds)
    answer = http.error_answer(problem, request("GET", URL), config(), "a" * 32)
    assert answer.headers.get("Retry-After") == (str(seconds) if seconds else None)


def test_fields_that_say_nothing_are_left_out_of_a_problem() -> None:

    answer = http.error_answer(graph_errors.GraphTimeout(), request("GET", URL), config(), "a" * 32)
    assert set(json.loads(answer.get_body())) == {"type", "title", "status", "detail", "instance", "code"}
