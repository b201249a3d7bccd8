"""Entra's front-channel logout, over HTTP: from its sign-out page to the session's row, and with hostile values."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.rows import index_rows, session_rows
from tests.support.signing_in import begin, is_signed_in

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer, BrowserClient

FRAME = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "iframe",
    "Accept": "text/html,*/*;q=0.8",
}


def told(browser: BrowserClient, app: App, query: str) -> Answer:
    """What a frame on Entra's page asks."""
    return browser.request("GET", f"{app.url}/auth/front-channel-logout{query}", FRAME)


def lasting(answer: Answer) -> tuple[Any, ...]:
    """All of an answer but what differs each time."""
    kept = [line for line in answer.headers if line[0].lower() not in ("date", "traceparent")]
    return answer.status, kept, answer.body


def sign_in_with_sid(app: App, sandbox: Sandbox, sign_in: SignIn, sid: str) -> BrowserClient:
    sandbox.control.person("work", sid=sid)
    return sign_in(app)


def test_signing_out_at_entra_ends_the_session_here_by_a_frame_without_cookies(
    app: App, sandbox: Sandbox, browser_client: BrowserClient
) -> None:
    page = browser_client.navigate(begin(app, browser_client)).text
    for name, value in (("person", "work"), ("decision", "accept")):
        answer = press(browser_client, sandbox, page, name, value)
        if answer.status == 303:
            page = browser_client.navigate(answer.location).text
    assert browser_client.navigate(answer.location, site="cross-site").status == 303
    assert is_signed_in(app, browser_client)

    out = browser_client.navigate(f"{sandbox.http_url}/common/oauth2/v2.0/logout?post_logout_redirect_uri={app.url}/")
    (frame,) = re.findall(r'<iframe hidden src="([^"]+)">', out.text)
    assert html.unescape(frame).startswith(f"{app.url}/auth/front-channel-logout?sid=")
    stranger = type(browser_client)(sandbox.ca_file)
    assert stranger.request("GET", html.unescape(frame), FRAME).status == 200
    assert not is_signed_in(app, browser_client)


def press(browser: BrowserClient, sandbox: Sandbox, page: str, name: str, value: str) -> Answer:
    """Press a button of one of Entra's forms."""
    action = re.search(r'<form method="post" action="([^"]+)"', page)
    handle = re.search(r'name="page" value="([^"]+)"', page)
    assert action
    assert handle
    form = urlencode({"page": handle[1], name: value}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return browser.request("POST", sandbox.http_url + html.unescape(action[1]), headers, form)


def test_front_channel_logout_ends_that_sid_and_nothing_else(
    apps: Apps, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn, browser_client: BrowserClient
) -> None:
    app = apps.get(processes=2)
    ended = sign_in_with_sid(app, sandbox, sign_in, "front-channel-ended")
    kept = sign_in_with_sid(app, sandbox, sign_in, "front-channel-kept")
    rows, index, calls = session_rows(azurite), index_rows(azurite), sandbox.control.stats()["calls"]
    answer = told(browser_client, app, "?sid=front-channel-ended")
    assert (answer.status, answer.body, answer.all("Set-Cookie")) == (200, b"", [])
    assert len(rows.keys() - session_rows(azurite).keys()) == 1
    assert len(index.keys() - index_rows(azurite).keys()) == 2
    assert (is_signed_in(app, ended), is_signed_in(app, kept)) == (False, True)
    assert sandbox.control.stats()["calls"] == calls, "Entra is not asked"


def test_the_issuer_counts_where_one_is_sent(
    app: App, sandbox: Sandbox, sign_in: SignIn, browser_client: BrowserClient
) -> None:
    browser = sign_in_with_sid(app, sandbox, sign_in, "front-channel-iss")
    tenant = browser.fetch(f"{app.url}/auth/me").json()["tenant_id"]
    right = f"{sandbox.https_url}/{tenant}/v2.0"
    wrong = [right.replace(tenant, "99999999-9999-4999-8999-999999999999"), right + "/", "https://evil.example", ""]
    for issuer in wrong:
        told(browser_client, app, f"?sid=front-channel-iss&iss={quote(issuer, safe='')}")
    assert is_signed_in(app, browser)
    told(browser_client, app, f"?sid=front-channel-iss&iss={quote(right, safe='')}")
    assert not is_signed_in(app, browser)


HOSTILE = [
    "",
    "?sid=",
    "?sid=unknown-sid",
    "?sid='%20or%20PartitionKey%20ge%20'",
    "?sid=%2f%5c%23%3f",
    "?sid=front-channel-hostile%00",
    "?sid=front-channel-hostile%0d%0aSet-Cookie:%20a=b",
    "?sid=front-channel-hostil",
    "?sid=front-channel-hostile&sid=front-channel-hostile",
    "?sid=" + "x" * 7000,
    "?sid=%ff%fe",
    "?session_state=front-channel-hostile",
]


# Kestrel refuses request lines over 8 KB before the app is asked, so longer ones are a matter of the function alone.
@pytest.mark.parametrize("front_end", [False, True])
def test_hostile_values_get_the_same_bytes_as_a_sid_that_ends_something(
    apps: Apps, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn, browser_client: BrowserClient, front_end: bool
) -> None:
    app = apps.get(front_end=front_end)
    browser = sign_in_with_sid(app, sandbox, sign_in, "front-channel-hostile")
    rows, index = session_rows(azurite), index_rows(azurite)
    answers = [told(browser_client, app, query) for query in HOSTILE]
    assert session_rows(azurite) == rows
    assert index_rows(azurite) == index
    assert is_signed_in(app, browser)
    right = lasting(told(browser_client, app, "?sid=front-channel-hostile"))
    assert not is_signed_in(app, browser)
    for query, answer in zip(HOSTILE, answers, strict=True):
        assert lasting(answer) == right, query
    assert right[0] == 200
    assert right[2] == b""


def test_the_answer_may_be_framed_by_the_sign_in_pages_alone(app: App, browser_client: BrowserClient) -> None:
    policy = told(browser_client, app, "?sid=x").header("Content-Security-Policy") or ""
    assert policy == "default-src 'none'; frame-ancestors http://127.0.0.1:*"
    assert "frame-ancestors 'none'" in (
        browser_client.navigate(f"{app.url}/auth/logout").header("Content-Security-Policy") or ""
    )
