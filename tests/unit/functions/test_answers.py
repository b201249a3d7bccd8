"""Whatever happens, the answer is ours: its form, its headers, its words, and the log line beside it."""

from __future__ import annotations

import json
import logging
import re
from html import unescape
from pathlib import Path

import pytest

import function_app
from shared import errors, graph_errors, http, mail_body
from tests.fakes.site import FETCH, NAVIGATION, Browser, Seen, Site, request, routes
from tests.fakes.store import UNAVAILABLE

ROOT = Path(__file__).resolve().parents[3]
MARK = "<script>canary</script>"
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}

FRAMED = {"default-src 'none'", "frame-ancestors https://login.microsoftonline.com"}
MAIL = set(mail_body.policy(remote=False).split("; "))


def raised(problem: Exception, headers: dict[str, str] | None = None) -> Seen:
    """The answer of the app where a handler raises this."""

    def handler() -> http.Response:
        raise problem

    site = Site()
    site.ask("GET", "/", NAVIGATION)
    return Seen.of(function_app.answered(request("GET", "https://mail.example.org/x", headers or FETCH), handler))


def target_of(route: str) -> str:
    return "/" + route.replace("{id}", "bWVzc2FnZS0w").replace("{name}", "page.css").replace(
        "{ignored:maxlength(0)?}", ""
    )


def policy_of(answer: Seen) -> set[str]:
    return set((answer.header("Content-Security-Policy") or "").split("; "))


def assert_dressed(answer: Seen, *, https: bool = True) -> None:
    policy = policy_of(answer)
    if policy not in (FRAMED, MAIL):
        assert {part for part in policy if not part.startswith("form-action")} == POLICY - {"form-action 'self'"}
        assert any(part.startswith("form-action 'self'") for part in policy)
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "same-origin"
    assert answer.header("Cross-Origin-Opener-Policy") == ("unsafe-none" if policy == MAIL else "same-origin")
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"
    assert answer.header("Cache-Control") in ("no-store", "no-cache")
    assert answer.header("Strict-Transport-Security") == ("max-age=31536000" if https else None)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", answer.header("traceparent") or "")
    assert answer.kind
    assert all(value.isascii() and value.isprintable() for _, value in answer.headers)


@pytest.mark.parametrize("headers", [FETCH, NAVIGATION, {}])
@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize(("method", "route"), sorted(routes()))
def test_every_answer_of_every_route_carries_the_headers(
    method: str, route: str, signed_in: bool, headers: dict[str, str]
) -> None:
    site = Site()
    browser = site.signed_in() if signed_in else site.browser()
    browser.navigate("/")  # health/live alone reads no settings, so it promises https only once another route has
    for query in ("", "?unknown=1&unknown=2"):
        answer = browser.send(method, target_of(route) + query, headers)
        assert_dressed(answer)
        assert (policy_of(answer) == FRAMED) == (route == "auth/front-channel-logout")
        assert (policy_of(answer) == MAIL) == (route.endswith("/body") and answer.status == 200)


@pytest.mark.parametrize(("method", "route"), sorted(routes()))
def test_every_route_answers_503_with_the_headers_where_the_settings_are_wrong(method: str, route: str) -> None:
    def refuse() -> None:
        raise errors.NotConfigured(["PUBLIC_URL is required"])

    function_app.services.use(refuse)  # type: ignore[arg-type]
    url = "https://mail.example.org" + target_of(route)
    answer = Seen.of(routes()[method, route](request(method, url, FETCH, id="x", name="page.css")))
    alive = route == "health/live"
    assert answer.status == (200 if alive else 503)
    assert alive or answer.code == "not_configured"
    assert_dressed(answer, https=False)


def test_over_plain_http_there_is_no_promise_of_https() -> None:
    answer = Site(PUBLIC_URL="http://localhost:7071").browser().navigate("/")
    assert_dressed(answer, https=False)


@pytest.mark.parametrize("kind", errors.DrawbridgeError.__subclasses__())
@pytest.mark.parametrize("headers", [FETCH, NAVIGATION])
def test_every_error_is_ours_and_says_nothing_internal(
    kind: type[errors.DrawbridgeError], headers: dict[str, str]
) -> None:
    problem = errors.NotConfigured(["SEALING_KEY is wrong"]) if kind is errors.NotConfigured else kind()
    answer = raised(problem, headers)
    assert (answer.status, answer.code) == (kind.status, kind.code)
    assert 400 <= answer.status < 600
    assert answer.header("Location") is None
    assert "SEALING_KEY" not in answer.text
    assert problem.title in unescape(answer.text)
    assert ("/auth/login" in answer.text) == kind.sign_in_again
    if headers is FETCH:
        shown = answer.json()
        assert answer.kind == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance", "code"} <= set(shown)
        assert shown["status"] == answer.status
        assert shown["instance"] == "urn:trace:" + (answer.header("traceparent") or "").split("-")[1]
    else:
        assert answer.kind == "text/html"
        assert 'href="/"' in answer.text
    assert_dressed(answer)


def test_every_error_has_its_own_code() -> None:
    codes = [kind.code for kind in errors.DrawbridgeError.__subclasses__()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("problem", [ValueError(MARK), KeyError(MARK), RecursionError(MARK), UnicodeError(MARK)])
@pytest.mark.parametrize("headers", [FETCH, NAVIGATION])
def test_the_unexpected_is_500_of_ours_and_its_text_goes_nowhere(
    problem: Exception, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = raised(problem, headers)
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "drawbridge"]
    (logged,) = [line for line in lines if line["event"] == "internal_error"]
    assert logged["exception"] == type(problem).__name__
    assert logged["trace"] == (answer.header("traceparent") or "").split("-")[1]
    assert "canary" not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize("target", ["/auth/login?return_to=%s&x=1", "/auth/callback?state=%s", "/api/messages?top=%s"])
@pytest.mark.parametrize("input_", [MARK, '"><img src=x>', "%0d%0aSet-Cookie:a=b", "\\u003c", "${7*7}", "'--"])
def test_hostile_input_is_never_reflected(target: str, input_: str) -> None:
    browser = Site().signed_in()
    for answer in (browser.navigate(target % input_), browser.fetch(target % input_)):
        assert answer.status < 500
        assert input_ not in answer.text
        assert not any(input_ in value for _, value in answer.headers)


def test_a_word_of_graphs_is_escaped_on_a_page() -> None:
    answer = raised(graph_errors.GraphRefused(graph_code=MARK), dict(NAVIGATION))
    assert MARK not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(("method", "route"), sorted(routes()))
def test_nothing_with_a_cookie_is_cacheable_and_assets_never_touch_one(method: str, route: str) -> None:
    browser: Browser = Site().signed_in()
    answer = browser.send(method, target_of(route), NAVIGATION)
    if route.startswith("assets/"):
        assert answer.header("Cache-Control") == "no-cache"
        assert answer.cookies == []
        plain = Site().ask(method, target_of(route), NAVIGATION)
        assert (plain.status, plain.body) == (answer.status, answer.body)
    else:
        assert answer.header("Cache-Control") == "no-store"


def test_the_hosts_own_answers_get_what_its_settings_can_give() -> None:
    given = json.loads((ROOT / "host.json").read_text())["extensions"]["http"]["customHeaders"]
    assert {name: given[name] for name in http.SAFE_HEADERS} == http.SAFE_HEADERS
    assert given["Cache-Control"] == "no-store"
    assert {"default-src 'none'", "form-action 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(
        given["Content-Security-Policy"].split("; ")
    )


def test_an_error_with_a_pause_says_how_long() -> None:
    site = Site()
    browser = site.signed_in()
    site.store.script("read", UNAVAILABLE)
    assert browser.fetch("/auth/me").header("Retry-After") == "5"
