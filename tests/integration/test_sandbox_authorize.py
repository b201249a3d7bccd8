"""The authorize and logout endpoints: which errors go where, and where signing out leads."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from dev.sandbox.serving import Sandbox
from tests.support.client import BrowserClient
from tests.support.sandbox_client import (
    FRONT_CHANNEL_URI,
    POST_LOGOUT_URI,
    REDIRECT_URI,
    Client,
    Reply,
    fetch,
    query_of,
)

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({"response_type": None}, "invalid_request", 900144),
        ({"response_mode": "form_post"}, "invalid_request", 90023),
        ({"prompt": "shout"}, "invalid_request", 90023),
        ({"prompt": "none"}, "login_required", 50058),
        ({"claims": "{not json"}, "invalid_request", 90023),
        ({"code_challenge": "short"}, "invalid_request", 50147),
        ({"code_challenge_method": "S512"}, "invalid_request", 501491),
        ({"scope": None}, "invalid_request", 900144),
        ({"scope": "openid Mail.Levitate"}, "invalid_client", 650053),
    ],
)
def test_authorize_sends_errors_back_with_the_state(
    client: Client, change: dict[str, str | None], error: str, code: int
) -> None:
    reply = authorize(client, change)
    assert reply.status == 302
    assert reply.headers["location"].startswith(f"{REDIRECT_URI}?")
    parameters = query_of(reply.headers["location"])
    assert (parameters["error"], parameters["state"]) == (error, "a state, echoed as sent")
    assert re.match(rf"AADSTS{code}: .+\r\nTrace ID: {GUID}\r\n", parameters["error_description"])
    assert parameters["error_uri"].endswith(f"code={code}")
    assert "%0D%0A" in reply.headers["location"].upper()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"redirect_uri": f"{REDIRECT_URI}/"}, 50011),
        ({"redirect_uri": REDIRECT_URI.upper()}, 50011),
        ({"redirect_uri": "https://evil.example/"}, 50011),
        ({"client_id": "22222222-2222-4222-8222-222222222222"}, 700016),
        ({"client_id": None}, 900144),
    ],
)
def test_authorize_shows_errors_that_it_cannot_trust_the_redirect_with(
    client: Client, change: dict[str, str | None], code: int
) -> None:
    reply = authorize(client, change)
    assert reply.status == 400
    assert "location" not in reply.headers
    assert f"AADSTS{code}" in reply.text


def test_logout_returns_to_a_registered_address_with_the_state(lone_sandbox: Sandbox) -> None:
    reply = logout(lone_sandbox, f"?post_logout_redirect_uri={POST_LOGOUT_URI}&state=a%20b")
    assert (reply.status, reply.headers["location"]) == (302, f"{POST_LOGOUT_URI}?state=a+b")


@pytest.mark.parametrize("query", ["", "?post_logout_redirect_uri=https://evil.example/"])
def test_logout_ends_on_a_page_where_nothing_is_registered(lone_sandbox: Sandbox, query: str) -> None:
    reply = logout(lone_sandbox, query)
    assert reply.status == 200
    assert "You signed out" in reply.text


def test_logout_can_be_told_to_end_on_a_page_as_for_personal_accounts(lone_sandbox: Sandbox) -> None:
    lone_sandbox.control.settings(logout_redirects=False)
    hint = lone_sandbox.control.person("personal")["login_hint"]
    reply = logout(lone_sandbox, f"?post_logout_redirect_uri={POST_LOGOUT_URI}&logout_hint={hint}")
    assert reply.status == 200
    assert "Inés Okafor" in reply.text


def test_logout_takes_a_form_too(lone_sandbox: Sandbox) -> None:
    reply = fetch(
        f"{lone_sandbox.http_url}/common/oauth2/v2.0/logout",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=f"post_logout_redirect_uri={POST_LOGOUT_URI}".encode(),
    )
    assert (reply.status, reply.headers["location"]) == (302, POST_LOGOUT_URI)


def test_logout_tells_the_app_of_each_session_of_the_browser_in_a_frame_with_the_sid_alone(client: Client) -> None:
    browser = BrowserClient()
    sids = [signed_in_at_entra(browser, client, person) for person in ("work", "personal")]
    url = f"{client.sandbox.http_url}/common/oauth2/v2.0/logout?post_logout_redirect_uri={POST_LOGOUT_URI}"
    page = browser.navigate(url)
    assert page.status == 200
    frames = re.findall(r'<iframe hidden src="([^"]+)">', page.text)
    assert frames == [f"{FRONT_CHANNEL_URI}?sid={sid}" for sid in sids]
    assert f'href="{POST_LOGOUT_URI}"' in page.text
    again = browser.navigate(url)
    assert (again.status, again.location) == (302, POST_LOGOUT_URI), "nobody is signed in any more"


def test_logout_that_leads_nowhere_tells_the_apps_too(client: Client) -> None:
    browser = BrowserClient()
    sid = signed_in_at_entra(browser, client, "work")
    page = browser.navigate(f"{client.sandbox.http_url}/common/oauth2/v2.0/logout")
    assert "You signed out" in page.text
    assert f'<iframe hidden src="{FRONT_CHANNEL_URI}?sid={sid}">' in page.text


def signed_in_at_entra(browser: BrowserClient, client: Client, person: str) -> str:
    """Choose an account; gives back the session's `sid`, which is the redirect's session_state."""
    client.sign_in(person)  # consents
    page = browser.navigate(client.begin()["auth_uri"]).text
    handle = re.search(r'name="page" value="([^"]+)"', page)
    assert handle
    form = urlencode({"page": handle[1], "person": person}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.request("POST", f"{client.sandbox.http_url}/common/login", headers, form)
    return query_of(answer.location)["session_state"]


def authorize(client: Client, change: dict[str, str | None]) -> Reply:
    parameters = query_of(client.begin()["auth_uri"]) | {"state": "a state, echoed as sent"} | change
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return fetch(f"{client.sandbox.http_url}/common/oauth2/v2.0/authorize?{query}")


def logout(sandbox: Sandbox, query: str) -> Reply:
    return fetch(f"{sandbox.http_url}/common/oauth2/v2.0/logout{query}")
