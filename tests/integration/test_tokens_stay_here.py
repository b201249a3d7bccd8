"""No token, code, verifier or secret leaves the app but to where it belongs.

This module runs after all others and searches everything that any browser was given and any app has logged in the run.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from dev.sandbox.options import CLIENT_SECRET
from tests.support import client
from tests.support.apps import SEALING_KEY
from tests.support.client import BrowserClient
from tests.support.signing_in import callback_of
from tests.support.traces import MARKS, forms, secrets_in

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer
    from tests.support.storage_proxy import StorageProxy

PENDING = re.compile(r"(?:__Host-)?drawbridge-sign-in-[0-9]+-[A-Za-z0-9_-]+=([A-Za-z0-9_-]+)")


def told(answer: Answer) -> set[bytes]:
    """Everything in an answer: each header line and the body."""
    return {answer.body, *(f"{name}: {value}".encode("latin-1", "replace") for name, value in answer.headers)}


def begins_sign_in(answer: Answer) -> bool:
    return "/auth/login" in answer.url


def verifiers() -> set[str]:
    """Every PKCE verifier of the run: the pending cookie tells its own browser, and nobody else."""
    values = [m[1] for answer in client.ANSWERS for line in answer.all("Set-Cookie") if (m := PENDING.match(line))]
    return {json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))[0] for value in values}


def whole_course(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    """Everything that handles a token, well and badly."""
    sandbox.control.settings(expires_in=60)
    for person in ("work", "personal", "guest"):
        browser = sign_in(app, person)
        sandbox.control.app_clock(0)
        first = browser.fetch(f"{app.url}/api/messages").json()
        if person != "guest":
            browser.fetch(f"{app.url}/api/messages?cursor={first['next']}")
            browser.fetch(f"{app.url}/api/messages/{first['messages'][0]['id']}")
        sandbox.control.app_clock(61)
        browser.fetch(f"{app.url}/api/messages")
        browser.fetch(f"{app.url}/auth/me")
        sandbox.control.expire(person)
        browser.fetch(f"{app.url}/api/messages")
        faults: tuple[dict[str, Any], ...] = (
            {"cut": 300},
            {"change": {"access_token": ["canary"]}},
            {"change": {"scope": 5}},
        )
        for step, action in enumerate(faults, 1):
            sandbox.control.app_clock(61 + 5 * step)  # what is known of a broken Entra is forgotten by then
            sandbox.control.fault("token", action)
            sandbox.control.expire(person)
            browser.fetch(f"{app.url}/api/messages")
        browser.fetch(f"{app.url}/auth/logout", "POST")
    sandbox.control.app_clock(0)
    stranger = BrowserClient()
    url = callback_of(app, sandbox, stranger)
    BrowserClient().navigate(url, "cross-site")
    stranger.navigate(f"{url}&error=canary", "cross-site")
    stranger.navigate(url, "cross-site")
    stranger.navigate(url, "cross-site")


def test_each_secret_goes_to_its_own_host_only(
    own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn
) -> None:
    app = own_apps.get(SESSION_STORE=proxy.connection_string)
    whole_course(app, sandbox, sign_in)
    issued = set(sandbox.control.canaries())
    calls = sandbox.control.log()
    assert {call["where"] for call in calls} >= {"token", "graph.messages", "graph.message"}
    for call in calls:
        rest = dict(call["headers"])
        authorization = rest.pop("authorization", "")
        form = dict(call["form"])
        if call["where"].startswith("graph"):
            scheme, _, token = authorization.partition(" ")
            assert (scheme, token in issued, call["method"]) == ("Bearer", True, "GET")
        else:
            assert authorization == ""
        if call["where"] == "token":
            assert call["listener"] == "https"
            assert {form.pop("code", None) or form.pop("refresh_token", "")} <= issued
            assert form.pop("client_secret") == CLIENT_SECRET
        text = json.dumps([call["raw_path"], call["query"], rest, form])
        assert "canary" not in text
        assert CLIENT_SECRET not in text


def test_the_table_is_given_nothing_that_opens_a_mailbox(
    own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn
) -> None:
    app = own_apps.get(SESSION_STORE=proxy.connection_string)
    whole_course(app, sandbox, sign_in)
    sent = b"".join(f"{seen.method} {seen.path} {dict(seen.headers)}".encode() + seen.body for seen in proxy.seen)
    cookies = {
        cookie.partition("=")[2].partition(";")[0].partition(".")[2].encode()
        for answer in client.ANSWERS
        for cookie in answer.all("Set-Cookie")
        if cookie.startswith("drawbridge-session=2")
    }
    assert len(proxy.seen) > 20
    assert secrets_in(sent, [*MARKS, CLIENT_SECRET.encode(), SEALING_KEY.encode()]) == []
    assert [cookie for cookie in cookies if cookie in sent] == []


def test_no_answer_of_the_whole_run_holds_a_token_a_code_or_a_secret(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    whole_course(app, sandbox, sign_in)
    secrets = [*MARKS, *forms(CLIENT_SECRET), *forms(SEALING_KEY)]
    everything = {piece for answer in client.ANSWERS for piece in told(answer)}
    assert len(everything) > 100
    assert [piece for piece in everything if secrets_in(piece, secrets)] == []


def test_no_verifier_is_told_to_any_but_its_own_pending_cookie(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    whole_course(app, sandbox, sign_in)
    known = verifiers()
    assert len(known) > 3
    whole = b"\n".join({piece for answer in client.ANSWERS if not begins_sign_in(answer) for piece in told(answer)})
    bodies = b"\n".join({answer.body for answer in client.ANSWERS})
    locations = "\n".join(line for answer in client.ANSWERS for line in answer.all("Location")).encode()
    for verifier in known:
        assert not any(form in text for form in forms(verifier) for text in (whole, bodies, locations))


def test_no_log_of_the_whole_run_holds_a_secret_or_a_query(
    app: App, running_apps: Apps, sandbox: Sandbox, sign_in: SignIn
) -> None:
    whole_course(app, sandbox, sign_in)
    secrets = [*MARKS, *forms(CLIENT_SECRET), *forms(SEALING_KEY), *(value.encode() for value in verifiers())]
    for started in running_apps.started:
        log = started.log.encode()
        assert secrets_in(log, secrets) == []
        assert not re.search(rb"[?&](code|state|cursor|return_to|login_hint)=", log)
        assert not re.search(rb"[0-9]{8}\.[A-Za-z0-9_-]{43}", log)
    assert "signed_in" in app.log


@pytest.mark.parametrize("pack", ["plain", "quoted", "base64", "base64url", "gzip in base64", "shifted"])
def test_the_search_finds_what_is_hidden(pack: str) -> None:
    secret = b"1.AcanaryXY" + bytes(range(33, 120))
    hidden = {
        "plain": secret,
        "quoted": quote(secret, safe="").replace("c", "%63").encode(),
        "base64": base64.b64encode(secret),
        "base64url": base64.urlsafe_b64encode(secret),
        "gzip in base64": base64.b64encode(gzip.compress(secret)),
        "shifted": b"ab" + base64.b64encode(secret),
    }[pack]
    assert secrets_in(b'{"a": "' + hidden + b'"}', MARKS)
