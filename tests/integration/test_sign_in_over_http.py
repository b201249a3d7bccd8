"""A whole sign-in for each kind of account, and all of a mailbox, over real HTTP with the real worker library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.sandbox.people import PERSONAL_TENANT, TENANT_ID

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import Answer, BrowserClient


def every_page(browser: BrowserClient, app: App, top: int) -> list[list[dict[str, Any]]]:
    """All pages of the inbox, by the cursors that the app gives."""
    document = browser.fetch(f"{app.url}/api/messages?top={top}").json()
    pages = [document["messages"]]
    while document["next"] is not None:
        answer = browser.fetch(f"{app.url}/api/messages?cursor={document['next']}")
        assert answer.status == 200, answer.text
        document = answer.json()
        pages.append(document["messages"])
        assert len(pages) < 100
    return pages


def problem(answer: Answer) -> dict[str, Any]:
    """The JSON of an error answer."""
    assert answer.header("Content-Type") == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status
    return document


@pytest.mark.parametrize(("person", "tenant"), [("work", TENANT_ID), ("personal", PERSONAL_TENANT)])
def test_a_person_signs_in_and_reads_mail(
    app: App, sandbox: Sandbox, sign_in: SignIn, person: str, tenant: str
) -> None:
    browser = sign_in(app, person)
    claims = sandbox.control.person(person)
    me = browser.fetch(f"{app.url}/auth/me").json()
    assert {name: me[name] for name in ("name", "preferred_username", "tenant_id", "object_id", "public_url")} == {
        "name": claims["name"],
        "preferred_username": claims["preferred_username"],
        "tenant_id": tenant,
        "object_id": claims["oid"],
        "public_url": app.url,
    }
    assert {"Mail.Read", "User.Read"} <= set(me["scopes"])
    listed = browser.fetch(f"{app.url}/api/messages").json()["messages"]
    assert len(listed) == 25
    for message in listed[:3]:
        opened = browser.fetch(f"{app.url}/api/messages/{message['id']}").json()
        assert {name: opened[name] for name in message} == message
        assert opened["body"]["contentType"] == "text"


def test_a_sign_in_sends_one_code_with_its_verifier_and_the_same_redirect_uri(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    sign_in(app)
    (visit,) = sandbox.control.log(where="authorize")
    asked = {name: values[0] for name, values in parse_qs(visit["query"]).items()}
    (call,) = sandbox.control.log(where="token")
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(call["form"]["code_verifier"]) >= 43
    assert asked["redirect_uri"] == call["form"]["redirect_uri"] == f"{app.url}/auth/callback"
    assert "code_verifier" not in visit["query"]


def test_a_guest_signs_in_and_is_told_that_there_is_no_mailbox(app: App, sign_in: SignIn) -> None:
    browser = sign_in(app, "guest")
    assert browser.fetch(f"{app.url}/auth/me").status == 200
    answer = browser.fetch(f"{app.url}/api/messages")
    found = problem(answer)
    assert (answer.status, found["code"], found["graph_code"]) == (404, "no_mailbox", "MailboxNotEnabledForRESTAPI")
    assert "login_url" not in found
    assert browser.fetch(f"{app.url}/auth/me").status == 200


def test_the_person_comes_back_to_the_page_they_wanted(
    app: App, sandbox: Sandbox, browser_client: BrowserClient
) -> None:
    begun = browser_client.navigate(f"{app.url}/auth/login?return_to=/%3Fmessage%3Dabc")
    answer = browser_client.navigate(sandbox.control.sign_in(begun.location), site="cross-site")
    assert answer.location == f"{app.url}/?message=abc"


@pytest.mark.parametrize("top", [50, 7])
def test_cursors_lead_through_the_whole_mailbox_with_no_message_twice(
    app: App, sandbox: Sandbox, sign_in: SignIn, top: int
) -> None:
    sandbox.control.enlarge_mailbox("work", 230)
    pages = every_page(sign_in(app), app, top)
    ids = [message["id"] for page in pages for message in page]
    assert len(ids) == len(set(ids)) == 230
    assert all(len(page) <= top for page in pages)


def test_a_cursor_belongs_to_one_session_and_to_the_letter(app: App, sign_in: SignIn) -> None:
    browser, other = sign_in(app), sign_in(app)
    cursor = browser.fetch(f"{app.url}/api/messages").json()["next"]
    changed = [cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :] for place in (0, 20, 60)]
    for answer in (
        other.fetch(f"{app.url}/api/messages?cursor={cursor}"),
        *(browser.fetch(f"{app.url}/api/messages?cursor={one}") for one in [*changed, cursor[:-4], "A", ""]),
    ):
        assert (answer.status, problem(answer)["code"]) == (400, "invalid_cursor"), answer.url
    assert browser.fetch(f"{app.url}/api/messages?cursor={cursor}").status == 200


def test_names_outside_ascii_survive_and_hints_are_encoded_once(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    name = "Zoë 𝒜𝓁𝒾 👩🏽‍🚀 محمد"
    username = "ada_mail.example#EXT#@contoso.onmicrosoft.com"
    sandbox.control.person("work", name=name, preferred_username=username, login_hint=username)
    browser = sign_in(app)
    me = browser.fetch(f"{app.url}/auth/me").json()
    assert (me["name"], me["preferred_username"]) == (name, username)
    hint = "ada_mail.example%23EXT%23%40contoso.onmicrosoft.com"
    login = browser.navigate(f"{app.url}/auth/login?login_hint={hint}")
    logout = browser.fetch(f"{app.url}/auth/logout", "POST").json()["location"]
    for location, parameter in ((login.location, "login_hint"), (logout, "logout_hint")):
        parts = urlsplit(location)
        assert (parse_qs(parts.query)[parameter], parts.fragment, location.isascii()) == ([username], "", True)
    assert parse_qs(urlsplit(logout).query)["post_logout_redirect_uri"] == [f"{app.url}/"]


def test_signing_out_ends_the_session_before_the_browser_leaves(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    copied = browser.cookies(app.url)["drawbridge-session"]
    assert browser.fetch(f"{app.url}/auth/logout", "POST").status == 200
    assert "drawbridge-session" not in browser.cookies(app.url)
    browser.cookies(app.url)["drawbridge-session"] = copied
    for path in ("/auth/me", "/api/messages"):
        assert problem(browser.fetch(app.url + path))["code"] == "not_signed_in"
    assert sandbox.control.log(where="logout") == []
    assert browser.fetch(f"{app.url}/auth/logout", "POST").status == 200
