"""The pages that a person clicks through, as a browser sends their forms."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest

from dev.sandbox.serving import Sandbox
from tests.support.sandbox_client import REDIRECT_URI, Client, Reply, fetch, query_of


def submit(sandbox: Sandbox, page: str, name: str, value: str) -> Reply:
    """Press the button of that name and value."""
    action = re.search(r'<form method="post" action="([^"]+)"', page)
    hidden = re.search(r'<input type="hidden" name="page" value="([^"]+)">', page)
    assert action and hidden
    assert re.search(rf'<button[^>]* name="{name}" value="{value}"', page), f"no button {name}={value}"
    return fetch(
        f"{sandbox.http_url}{html.unescape(action[1])}",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode({"page": hidden[1], name: value}).encode(),
    )


def choose(client: Client, auth_uri: str, person: str) -> Reply:
    """Open the sign-in page and press an account: the consent page, or the redirect where there is nothing to ask."""
    reply = submit(client.sandbox, fetch(auth_uri).text, "person", person)
    if reply.status == 303:
        return fetch(f"{client.sandbox.http_url}{reply.headers['location']}")
    return reply


def test_a_person_signs_in_by_choosing_an_account_and_accepting(client: Client) -> None:
    flow = client.begin()
    consent = choose(client, flow["auth_uri"], "work")
    assert "Read your mail" in consent.text
    assert "Sign you in and read your profile" in consent.text
    reply = submit(client.sandbox, consent.text, "decision", "accept")
    assert reply.status == 302
    assert reply.headers["location"].startswith(f"{REDIRECT_URI}?code=1.")
    parameters = query_of(reply.headers["location"])
    assert list(parameters) == ["code", "client_info", "state", "session_state"]
    assert len(parameters["code"]) > 400
    result = client.msal.acquire_token_by_auth_code_flow(flow, parameters)
    assert result["id_token_claims"]["name"] == "Maren Solberg"


def test_cancel_at_consent_is_access_denied(client: Client) -> None:
    flow = client.begin()
    consent = choose(client, flow["auth_uri"], "personal")
    parameters = query_of(submit(client.sandbox, consent.text, "decision", "cancel").headers["location"])
    assert parameters["error"] == "access_denied"
    assert parameters["error_description"].startswith("AADSTS65004: ")
    assert parameters["state"] == flow["state"]
    assert client.sandbox.control.stats()["calls"].get("token") is None


def test_consent_is_remembered_per_person_until_the_reset(client: Client) -> None:
    client.sign_in("work")
    assert choose(client, client.begin()["auth_uri"], "work").status == 302
    assert choose(client, client.begin()["auth_uri"], "personal").status == 200
    client.sandbox.control.reset()
    assert choose(client, client.begin()["auth_uri"], "work").status == 200


def test_prompt_consent_asks_again(client: Client) -> None:
    client.sign_in("work")
    assert choose(client, client.begin(prompt="consent")["auth_uri"], "work").status == 200


def test_a_new_permission_asks_again(client: Client) -> None:
    client.sign_in("work")
    auth_uri = client.begin()["auth_uri"].replace("Mail.Read", "Mail.Read+Mail.Send")
    consent = choose(client, auth_uri, "work")
    assert consent.status == 200
    assert "Send mail as you" in consent.text


def buttons(page: str) -> list[str]:
    return re.findall(r'<button[^>]* name="person" value="([^"]+)"', page)


@pytest.mark.parametrize(
    ("tenant", "hint", "expected"),
    [
        ("common", {}, ["work", "guest", "personal"]),
        ("organizations", {}, ["work", "guest"]),
        ("fjordlight.example", {}, ["work", "guest"]),
        ("consumers", {}, ["personal"]),
        ("common", {"domain_hint": "consumers"}, ["personal"]),
        ("common", {"domain_hint": "organizations"}, ["work", "guest"]),
        ("common", {"login_hint": "ines.okafor@postbox.example"}, ["personal", "work", "guest"]),
    ],
)
def test_the_page_offers_who_may_sign_in_the_hinted_one_first(
    lone_sandbox: Sandbox, tenant: str, hint: dict[str, str], expected: list[str]
) -> None:
    page = fetch(Client(lone_sandbox, tenant).begin(**hint)["auth_uri"]).text
    assert buttons(page) == expected
    assert ("suggested" in page) == ("login_hint" in hint)


def test_names_are_shown_and_never_interpreted(client: Client) -> None:
    client.sandbox.control.person("work", name="<img src=x onerror=alert(1)>")
    page = fetch(client.begin()["auth_uri"]).text
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_an_error_page_never_interprets_what_it_shows(client: Client) -> None:
    reply = fetch(client.begin()["auth_uri"].replace("7071", "7071%2F%3Cscript%3E"))
    assert reply.status == 400
    assert "<script" not in reply.text


def test_a_page_can_be_used_once(client: Client) -> None:
    consent = choose(client, client.begin()["auth_uri"], "work")
    assert submit(client.sandbox, consent.text, "decision", "accept").status == 302
    again = submit(client.sandbox, consent.text, "decision", "accept")
    assert again.status == 400
    assert "AADSTS50089" in again.text


def test_an_account_of_another_kind_cannot_be_smuggled_in(lone_sandbox: Sandbox) -> None:
    page = fetch(Client(lone_sandbox, "organizations").begin()["auth_uri"]).text
    reply = submit(lone_sandbox, page.replace('value="guest"', 'value="personal"'), "person", "personal")
    assert reply.status == 400
    assert "AADSTS50020" in reply.text


def test_pages_are_not_cached_and_not_framed(client: Client) -> None:
    headers = fetch(client.begin()["auth_uri"]).headers
    assert "no-store" in headers["cache-control"]
    assert headers["x-frame-options"] == "DENY"
