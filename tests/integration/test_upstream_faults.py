"""What a person sees when Graph or Entra fails; and what it costs."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.at_once import at_once, until
from tests.support.client import BrowserClient
from tests.support.signing_in import SESSION, callback_of, is_signed_in, pending_cookies

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer

LIMIT = 12.0
HTML = "<html><h1>Error</h1>Reference #97.1</html>"
UNKNOWN = {
    "error": {
        "code": "UnknownError",
        "message": "",
        "innerError": {"request-id": "r1", "date": "2026-01-01T00:00:00"},
    }
}


def mail(app: App, browser: BrowserClient, query: str = "") -> tuple[Answer, float]:
    """The inbox, and how long it took."""
    started = time.monotonic()
    answer = browser.fetch(f"{app.url}/api/messages{query}")
    return answer, time.monotonic() - started


def json_body(text: str) -> dict[str, Any]:
    return {"status": 200, "headers": {"Content-Type": "application/json"}, "body": text}


GRAPH_FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "504 of its own": ({"status": 504, "body": UNKNOWN}, 504, "graph_timeout"),
    "504 in HTML": ({"status": 504, "headers": {"Content-Type": "text/html"}, "body": HTML}, 504, "graph_timeout"),
    "cut in half": ({"cut": 500}, 503, "graph_unavailable"),
    "HTML inside JSON": (json_body('{"value":[<!DOCTYPE html>'), 502, "graph_bad_answer"),
    "empty": (json_body(""), 502, "graph_bad_answer"),
    "a list": (json_body("[]"), 502, "graph_bad_answer"),
    "no value": (json_body("{}"), 502, "graph_bad_answer"),
    "value is null": (json_body('{"value":null}'), 502, "graph_bad_answer"),
    "not a number": (json_body('{"value":[NaN]}'), 502, "graph_bad_answer"),
    "deep": (json_body('{"value":' + "[" * 200000), 502, "graph_bad_answer"),
    "400 that means later": (
        {"status": 400, "body": {"error": {"code": "ServiceUnavailable", "message": "try later"}}},
        *(502, "graph_refused"),
    ),
    "500": ({"status": 500, "body": HTML}, 502, "graph_bad_answer"),
    "503": ({"status": 503}, 503, "graph_unavailable"),
    "403": ({"status": 403, "body": {"error": {"code": "ErrorAccessDenied"}}}, 403, "consent_required"),
    "reset before": ({"reset": "before"}, 503, "graph_unavailable"),
    "reset after": ({"reset": "after"}, 503, "graph_unavailable"),
    "redirect": ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, 502, "graph_bad_answer"),
    "gzip bomb": ({"gzip_bomb": 50 * 1024 * 1024}, 502, "graph_bad_answer"),
    "50 MB": (json_body("x" * 50_000_000), 502, "graph_bad_answer"),
}


@pytest.mark.parametrize("name", GRAPH_FAULTS)
def test_a_fault_of_graph_is_named_costs_two_calls_at_most_and_ends_nothing(
    app: App, sandbox: Sandbox, sign_in: SignIn, name: str
) -> None:
    action, status, code = GRAPH_FAULTS[name]
    browser = sign_in(app)
    fault = sandbox.control.fault("graph.messages", action, times=None)
    answer, seconds = mail(app, browser)
    found = answer.json()
    assert (answer.status, found["code"]) == (status, code)
    assert seconds < LIMIT
    assert 1 <= len(sandbox.control.log(where="graph")) <= 2
    assert not any(part in answer.text for part in ("<h", "DOCTYPE", "Reference", "try later", "127.0.0.1:1"))
    assert answer.all("Set-Cookie") == []
    sandbox.control.remove_fault(fault)
    assert mail(app, browser)[0].status == 200
    assert sandbox.control.stats()["token"].get("refresh_token", 0) == 0


def test_graphs_own_code_and_request_id_reach_the_person(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    sandbox.control.fault(
        "graph.messages", {"status": 504, "body": UNKNOWN}, times=None, match={"path_contains": "$top=25"}
    )
    found = mail(app, browser)[0].json()
    assert (found["graph_code"], found["request_id"]) == ("UnknownError", "r1")
    assert mail(app, browser, "?top=10")[0].status == 200


def test_a_later_answer_may_still_be_good(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    for action in ({"reset": "before"}, {"reset": "after"}, {"cut": 500}, {"status": 503}):
        sandbox.control.fault("graph.messages", action)
        assert mail(app, browser)[0].status == 200, action


def test_slow_answers_end_by_the_deadline(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    actions: dict[str, dict[str, Any]] = {
        "drips": {"drip": 1.0},
        "drips-from-the-start": {"drip_headers": 1.0},
        "is-silent": {"delay": 60},
    }
    waiting = []
    for person, action in actions.items():
        sandbox.control.person(person)
        waiting.append(sign_in(app, person))
        sandbox.control.fault("graph", action, times=None, match={"person": person})
    for answer, seconds in at_once(len(actions), lambda: mail(app, waiting.pop())):
        assert (answer.status, answer.json()["code"]) == (504, "graph_timeout")
        assert 5 < seconds < LIMIT
    assert len(sandbox.control.log(where="graph")) == len(actions)


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="',
        'Bearer error="insufficient_claims", claims="' + "A" * 10_000 + '"',
        'Bearer error="insufficient_claims", claims="!!!"',
        "Bearer",
        "",
    ],
    ids=["claims", "10 KB of claims", "bad base64", "bare", "empty"],
)
def test_a_token_that_graph_refuses_again_and_again_costs_one_refresh(
    app: App, sandbox: Sandbox, sign_in: SignIn, challenge: str
) -> None:
    browser = sign_in(app)
    sandbox.control.fault("graph", {"status": 401, "headers": {"WWW-Authenticate": challenge}, "body": {}}, times=None)
    answer, _ = mail(app, browser)
    assert answer.status == 401
    assert answer.json()["login_url"].startswith(f"{app.url}/auth/login")
    assert sandbox.control.stats()["token"]["refresh_token"] == 1
    assert len(sandbox.control.log(where="graph")) == 2
    assert is_signed_in(app, browser)


TOKEN_FAULTS: dict[str, tuple[dict[str, Any], int]] = {
    "truncated": ({"cut": 300}, 503),
    "truncated JSON": (json_body('{"token_type":"Bearer","access_token":"eyJcanary'), 502),
    "HTML": ({"status": 200, "headers": {"Content-Type": "text/html"}, "body": HTML + "canary"}, 502),
    "empty": (json_body(""), 502),
    "a list": (json_body('["canary"]'), 502),
    "no access token": ({"change": {"access_token": None}}, 502),
    "access token is a list": ({"change": {"access_token": ["canary"]}}, 502),
    "line break in the token": ({"change": {"access_token": "canary\r\nX-Evil: 1"}}, 502),
    "10 MB": (json_body('{"access_token":"' + "canary" * 1_700_000 + '"}'), 502),
    "500": ({"status": 500, "body": HTML}, 503),
    "reset": ({"reset": "after"}, 503),
    "redirect": ({"status": 307, "headers": {"Location": "https://127.0.0.1:1/token"}}, 502),
    "expired secret": (
        {
            "status": 401,
            "body": {"error": "invalid_client", "error_description": "AADSTS7000222: x", "error_codes": [7000222]},
        },
        503,
    ),
}


@pytest.mark.parametrize("name", TOKEN_FAULTS)
def test_a_broken_token_answer_signs_nobody_in_nor_out(app: App, sandbox: Sandbox, sign_in: SignIn, name: str) -> None:
    action, status = TOKEN_FAULTS[name]
    signed_in, newcomer = sign_in(app), BrowserClient()
    before = len(app.log)
    url = callback_of(app, sandbox, newcomer)
    fault = sandbox.control.fault("token", action, times=None)
    page = newcomer.navigate(url, "cross-site")
    sandbox.control.expire("work")
    answer, seconds = mail(app, signed_in)
    assert (page.status, answer.status) == (status, status)
    assert "login_url" not in answer.json()
    assert seconds < LIMIT
    assert (SESSION in newcomer.cookies(app.url), pending_cookies(app, newcomer)) == (False, [])
    assert not re.search("canary|AADSTS|Reference|Too Many", page.text + answer.text)
    assert "canary" not in app.log[before:].lower()
    sandbox.control.remove_fault(fault)
    until(lambda: mail(app, signed_in)[0].status == 200)  # that Entra is down is known for a second
    assert newcomer.navigate(callback_of(app, sandbox, newcomer), "cross-site").status == 303


def test_a_throttled_token_endpoint_is_left_alone_while_it_lasts(
    own_apps: Apps, sandbox: Sandbox, sign_in: SignIn
) -> None:
    app = own_apps.start()
    browser, newcomer = sign_in(app), BrowserClient()
    refusal = {"status": 429, "headers": {"Retry-After": "30", "Content-Type": "text/plain"}}
    sandbox.control.fault("token", refusal | {"body": "Too Many Requests"})
    sandbox.control.expire()
    answers = [mail(app, browser)[0] for _ in range(5)]
    answers.append(newcomer.navigate(callback_of(app, sandbox, newcomer), "cross-site"))
    assert [answer.status for answer in answers] == [503] * 6
    assert all(20 <= int(answer.header("Retry-After") or 0) <= 31 for answer in answers)
    assert sandbox.control.stats()["token"] == {"authorization_code": 1, "refresh_token": 1}
    assert SESSION not in newcomer.cookies(app.url)
    sandbox.control.app_clock(31)
    assert mail(app, browser)[0].status == 200
    assert newcomer.navigate(callback_of(app, sandbox, newcomer), "cross-site").status == 303


def test_entra_that_refuses_the_app_itself_is_the_operators_affair(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    before = len(app.log)
    sandbox.control.fault("token", TOKEN_FAULTS["expired secret"][0])
    sandbox.control.expire()
    answer, _ = mail(app, browser)
    assert (answer.status, answer.json()["code"]) == (503, "app_registration_refused")
    lines = [line for line in app.log[before:].splitlines() if "7000222" in line]
    assert any("renew the client secret" in line for line in lines)
    assert "sandbox-secret" not in app.log


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("120", 120, 120),
        ("2.128", 1, 3),
        (None, 1, 600),
        ("soon", 1, 600),
        ("-5", 1, 600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1, 600),
        ("0", 1, 600),
        ("99999999999", 1, 600),
        ("nan", 1, 600),
        ("1e400", 1, 600),
        ("\u00b2", 1, 600),
        ("", 1, 600),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_a_whole_number_that_makes_sense(
    app: App, sandbox: Sandbox, sign_in: SignIn, status: int, value: str | None, least: int, most: int
) -> None:
    browser = sign_in(app)
    headers = {} if value is None else {"Retry-After": value}
    error = {"error": {"code": "ApplicationThrottled", "message": "x", "innerError": {"request-id": "r"}}}
    sandbox.control.fault("graph", {"status": status, "headers": headers, "body": error}, times=None)
    answer, seconds = mail(app, browser)
    assert (answer.status, answer.json()["graph_code"]) == (status, "ApplicationThrottled")
    assert least <= int(answer.header("Retry-After") or 0) <= most
    assert seconds < 3
    assert len(sandbox.control.log(where="graph")) <= 2


def test_retry_after_as_a_date_is_counted_on_our_clock(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 20))
    sandbox.control.fault("graph", {"status": 429, "headers": {"Retry-After": date}})
    answer, _ = mail(app, browser)
    assert 15 <= int(answer.header("Retry-After") or 0) <= 20
