"""Unsafe methods need our own page, nothing tunnels a method, and no answer opens the door to another origin."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.fakes.build import PUBLIC_URL
from tests.fakes.site import FETCH, Browser, Seen, Site, routes

SITES = ["same-origin", "cross-site", "same-site", "none", "", "Same-Origin", "same-origin, cross-site", None]
ORIGINS = [
    PUBLIC_URL,
    None,
    "null",
    "",
    "https://evil.example",
    PUBLIC_URL + ".evil.example",
    "https://evil-mail.example.org",
    PUBLIC_URL + ":8443",
    PUBLIC_URL.replace("https", "http"),
    PUBLIC_URL.upper(),
    PUBLIC_URL + "/",
]


def posted(browser: Browser, headers: Mapping[str, str]) -> Seen:
    return browser.send("POST", "/auth/logout", {"accept": "application/json", **headers})


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("site_value", SITES)
def test_unsafe_methods_need_our_own_page(site_value: str | None, origin: str | None) -> None:
    site = Site()
    browser = site.signed_in()
    given = {"sec-fetch-site": site_value, "origin": origin}
    answer = posted(browser, {name: value for name, value in given.items() if value is not None})
    passes = site_value == "same-origin" or (site_value is None and origin == PUBLIC_URL)
    assert answer.status == (200 if passes else 403)
    assert len(site.store.session_rows()) == (0 if passes else 1)
    if not passes:
        assert answer.code == "cross_site"
        assert answer.cookies == []


SIGNING_OUT = [("POST", "/auth/logout"), ("DELETE", "/auth/sessions"), ("DELETE", "/auth/sessions/{number}")]
WRITING = [
    ("PATCH", "/api/messages/{id}"),
    *((method, "/graph/v1.0/{*path}") for method in ("POST", "PATCH", "DELETE")),
]


def test_the_only_unsafe_routes_are_those_that_sign_out_or_write_mail() -> None:
    unsafe = {(method, "/" + route) for method, route in routes() if method not in ("GET", "HEAD")}
    assert unsafe == {*SIGNING_OUT, *WRITING}


@pytest.mark.parametrize(("method", "route"), [*SIGNING_OUT, *WRITING])
def test_every_unsafe_route_needs_our_own_page(method: str, route: str) -> None:
    site = Site()
    browser = site.signed_in()
    (row,) = site.store.session_rows()
    target = route.replace("{number}", str(row.properties["number"])).replace("{id}", "bWVzc2FnZS0x")
    target = target.replace("{*path}", "me/messages")
    before = site.store.count()
    for headers in (
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
    ):
        answer = browser.send(method, target, {"accept": "application/json", **headers})
        assert (answer.status, answer.code, answer.cookies) == (403, "cross_site", [])
    assert site.store.count() == before


@pytest.mark.parametrize(("method", "route"), SIGNING_OUT)
def test_our_own_page_may_sign_out(method: str, route: str) -> None:
    site = Site()
    browser = site.signed_in()
    (row,) = site.store.session_rows()
    target = route.replace("{number}", str(row.properties["number"]))
    assert browser.send(method, target, FETCH).status in (200, 204)
    assert site.store.session_rows() == []


@pytest.mark.parametrize("header", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_a_method_in_a_header_changes_nothing(header: str) -> None:
    browser = Site().signed_in()
    answer = browser.send("GET", "/auth/logout", {**FETCH, header: "POST"})
    assert answer.status == 200
    assert "<form" in answer.text, "the question, not the deed"
    assert browser.fetch("/auth/me").status == 200
    assert browser.send("GET", "/auth/me", {**FETCH, header: "DELETE"}).status == 200


def test_a_method_in_the_query_or_the_body_changes_nothing() -> None:
    browser = Site().signed_in()
    browser.send("GET", "/auth/logout?_method=POST", FETCH, b"_method=POST")
    assert browser.fetch("/auth/me").status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/x-www-form-urlencoded"])
def test_what_a_foreign_form_can_send_is_refused_whatever_it_calls_itself(kind: str) -> None:
    browser = Site().signed_in()
    headers = {"content-type": kind, "sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    assert browser.send("POST", "/auth/logout", headers, b'{"a":"="}').status == 403
    assert browser.fetch("/auth/me").status == 200


@pytest.mark.parametrize("route", sorted({route for _, route in routes()}))
def test_a_preflight_finds_no_function(route: str) -> None:
    assert ("OPTIONS", route) not in routes()


@pytest.mark.parametrize(("method", "route"), sorted(routes()))
def test_no_answer_opens_itself_to_another_origin(method: str, route: str) -> None:
    target = "/" + route.replace("{id}", "x").replace("{name}", "page.css").replace("{ignored:maxlength(0)?}", "")
    headers = {
        "origin": "https://evil.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    browser = Site().signed_in()
    answer = browser.send(method, target, headers)
    assert not any(name.lower().startswith("access-control-") for name, _ in answer.headers)
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"
