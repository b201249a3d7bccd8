"""Consent for more than reading, marking, the calendar and the gateway, through the running app and the sandbox."""

from __future__ import annotations

import base64
import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import Answer, BrowserClient

SPAN = "from=2026-03-28T00:00:00Z&to=2026-04-04T00:00:00Z"


def ours(graph_id: str) -> str:
    return base64.urlsafe_b64encode(graph_id.encode()).rstrip(b"=").decode()


def send(app: App, browser: BrowserClient, method: str, path: str, document: object = None) -> Answer:
    body = None if document is None else json.dumps(document).encode()
    return browser.fetch(f"{app.url}/{path}", method=method, body=body, headers={"Content-Type": "application/json"})


def agree(app: App, sandbox: Sandbox, browser: BrowserClient, refused: Answer, permission: str) -> None:
    """Follow the login_url of a consent_required to Entra and back."""
    assert (refused.status, refused.json()["code"]) == (403, "consent_required")
    login_url = str(refused.json()["login_url"])
    assert parse_qs(urlsplit(login_url).query) == {"consent": [permission], "return_to": ["/"]}
    redirect = browser.navigate(login_url)
    assert permission in parse_qs(urlsplit(redirect.location).query)["scope"][0].split()
    answer = browser.navigate(sandbox.control.sign_in(redirect.location), "cross-site")
    assert (answer.status, answer.location) == (303, app.url + "/")


def test_marking_asks_for_its_permission_once_and_then_changes_the_message(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    first = send(app, browser, "GET", "api/messages").json()["messages"][0]
    path = f"api/messages/{first['id']}"
    agree(app, sandbox, browser, send(app, browser, "PATCH", path, {"isRead": True}), "Mail.ReadWrite")
    changes = {"isRead": not first["isRead"], "flag": {"flagStatus": "flagged"}}
    assert send(app, browser, "PATCH", path, changes).json() == {"id": first["id"], **changes}
    after = send(app, browser, "GET", path).json()
    assert {name: after[name] for name in changes} == changes
    sandbox.control.expire()
    assert send(app, browser, "PATCH", path, {"isRead": True}).status == 200
    scopes = [call["form"]["scope"].split() for call in sandbox.control.log(where="token")][-1]
    assert {"User.Read", "Mail.Read", "Mail.ReadWrite"} <= set(scopes)


def test_the_calendar_comes_in_instants_with_its_days_as_days(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    agree(app, sandbox, browser, send(app, browser, "GET", f"api/events?{SPAN}"), "Calendars.Read")
    events: list[dict[str, Any]] = []
    query = SPAN + "&top=3"
    while query:
        page = send(app, browser, "GET", f"api/events?{query}").json()
        events += page["events"]
        query = f"cursor={page['next']}" if page["next"] else ""
    stand_ups = [event["start"]["dateTime"] for event in events if event["subject"] == "Calibration stand-up"]
    assert stand_ups[0] == "2026-03-30T07:00:00.0000000Z"
    assert len(stand_ups) == 5
    (closed,) = [event for event in events if event["isAllDay"]]
    assert closed["start"]["dateTime"] == "2026-04-03T00:00:00.0000000"
    assert len({event["id"] for event in events}) == len(events)


def test_the_gateway_reads_writes_and_pages_with_the_permissions_that_were_granted(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    browser = sign_in(app)
    assert send(app, browser, "GET", "graph/v1.0/me?$select=mail").json()["mail"] == "maren.solberg@fjordlight.example"
    first = send(app, browser, "GET", "graph/v1.0/me/messages?$top=2&$select=id,subject").json()
    following = str(first["@odata.nextLink"])
    assert following.startswith(f"{app.url}/graph/v1.0/me/messages?cursor=")
    second = browser.fetch(following).json()
    assert len({message["id"] for message in first["value"] + second["value"]}) == 4
    refused = send(app, browser, "POST", "graph/v1.0/me/sendMail", {"message": {}})
    agree(app, sandbox, browser, refused, "Mail.Send")
    letter = {"subject": "Grüße", "toRecipients": [{"emailAddress": {"address": "x@y.example"}}]}
    sent = send(app, browser, "POST", "graph/v1.0/me/sendMail", {"message": letter})
    assert (sent.status, sent.body) == (202, b"")
    found = send(app, browser, "GET", "graph/v1.0/me/mailFolders/sentitems/messages?$top=1").json()["value"][0]
    assert found["subject"] == "Grüße"
    agree(
        app,
        sandbox,
        browser,
        send(app, browser, "DELETE", f"graph/v1.0/me/messages/{ours(found['id'])}"),
        "Mail.ReadWrite",
    )
    assert send(app, browser, "DELETE", f"graph/v1.0/me/messages/{ours(found['id'])}").status == 204
    assert send(app, browser, "GET", f"graph/v1.0/me/messages/{ours(found['id'])}").status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_no_spelling_on_the_wire_leads_graph_anywhere_but_to_listed_paths(
    app: App, sandbox: Sandbox, sign_in: SignIn, method: str
) -> None:
    browser = sign_in(app)
    cookie = "; ".join(f"{name}={line.value}" for name, line in browser.cookies(app.url).items())
    before = max((call["n"] for call in sandbox.control.log()), default=0)
    spellings = (
        *(
            "me/../users",
            "me/%2e%2e/users",
            "me/%252e%252e/users",
            "me%2f..%2fusers",
            "me/..%5cusers",
            "//me",
            "me//messages",
        ),
        *(
            "me;x=1",
            "me/messages;x",
            "ME/messages",
            "me/messages.",
            "me/messages('id')",
            "users('x')/messages",
            "me/messages/$ref",
        ),
        *(
            "me/microsoft.graph.sendMail",
            "me/sendMail%00",
            "$batch",
            "%24batch",
            "me/messages%3f$select=id",
            "me/messages%23x",
        ),
        *(
            "me/messages/delta",
            f"me/messages/{ours('delta')}",
            f"me/messages/{ours('../../users')}",
            "me/messages/%2e%2e",
        ),
        *("http://127.0.0.1/v1.0/users", "..%2f..%2fv1.0%2fusers", "me/messages/..%252f..%252fusers", "me"),
    )
    for spelling in spellings:
        parts = urlsplit(app.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        connection.request(method, "/graph/v1.0/" + spelling, b"{}", headers)
        connection.getresponse().read()
        connection.close()
    asked = [call for call in sandbox.control.log(before) if call["where"].startswith("graph")]
    # The plain one at the end, and from those spellings that the host itself makes plain, nothing else.
    assert {(call["method"], call["raw_path"]) for call in asked} == (
        {("GET", "/v1.0/me")} if method == "GET" else set()
    )
