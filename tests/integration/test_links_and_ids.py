"""Message ids and links of next pages: strange ones arrive to the letter, foreign ones are never followed."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps

IDS = ["AAMkAD/x+y==", "AAMk-_z=", "a%2Fb", "q?r#s", "x'y", "spaced id", "ümlaut", "a/../b"]
LIST = "/v1.0/me/mailFolders/inbox/messages"
DELICATE = (
    "/me/mailFolders('inbox')/messages?$top=25&$select=subject,from&$filter=subject%20eq%20'100%25%20%2B%20%26'"
    "&$skiptoken=%5b%7B%22token%22%3a%22%2bRID%3a~AbC%3d%3d%23RT%3a1%23TRC%3a20%22%7D%5d"
)


@pytest.mark.parametrize("front_end", [False, True], ids=["plain", "behind Azure's front end"])
def test_every_id_opens_by_the_apps_own_link_and_reaches_graph_to_the_letter(
    apps: Apps, sandbox: Sandbox, sign_in: SignIn, front_end: bool
) -> None:
    app = apps.get(front_end=front_end)
    sandbox.control.mailbox("work", [{"id": name, "subject": f"about {name}"} for name in IDS])
    browser = sign_in(app)
    listed = browser.fetch(f"{app.url}/api/messages").json()["messages"]
    assert [message["subject"] for message in listed] == [f"about {name}" for name in IDS]
    for name, message in zip(IDS, listed, strict=True):
        answer = browser.fetch(f"{app.url}/api/messages/{message['id']}")
        assert (answer.status, answer.json()["subject"]) == (200, f"about {name}")
        call = sandbox.control.log(where="graph")[-1]
        assert (call["method"], unquote(call["raw_path"].rpartition("/")[2])) == ("GET", name)
        assert ("%25" in call["raw_path"]) == ("%" in name)
        assert "?" not in call["raw_path"]


def ours(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("front_end", [False, True], ids=["plain", "behind Azure's front end"])
@pytest.mark.parametrize(
    "segment",
    [
        *("AAMkAD%2Fx%2By%3D%3D", "AAMkAD/x+y==", "..", ".", "%2e%2e", "..%2f..%2fusers", "../../users", "%00", ""),
        *("%252e%252e", "..;/", "QQ%3f$expand=x", "QQ%23", ours(".."), ours("."), ours("\0"), "A", "!", "A" * 3000),
    ],
)
def test_a_segment_that_is_no_id_of_ours_reaches_no_path_of_graph(
    apps: Apps, sandbox: Sandbox, sign_in: SignIn, segment: str, front_end: bool
) -> None:
    app = apps.get(front_end=front_end)
    browser = sign_in(app)
    answer = browser.fetch(f"{app.url}/api/messages/{segment}")
    asked = {call["raw_path"] for call in sandbox.control.log(where="graph")}
    if segment in ("", "."):  # the server takes both away before routing: this is the list
        assert (answer.status, asked) == (200, {LIST})
    else:
        assert (answer.status in (400, 404), asked) == (True, set())


def test_the_next_link_reaches_graph_with_the_same_query(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    link = f"{sandbox.http_url}/v1.0{DELICATE}"
    messages = [{"id": f"m{number}"} for number in range(30)]
    sandbox.control.mailbox("work", messages, next_link=link)
    document = browser.fetch(f"{app.url}/api/messages").json()
    assert "skiptoken" not in document["next"]
    browser.fetch(f"{app.url}/api/messages?cursor={document['next']}")
    query = parse_qs(sandbox.control.log(where="graph")[-1]["query"])
    assert query["$skiptoken"] == ['[{"token":"+RID:~AbC==#RT:1#TRC:20"}]']
    assert query["$filter"] == ["subject eq '100% + &'"]


def foreign_links(graph: str, listener: str) -> list[str]:
    """Links that lead anywhere but to this person's messages at this Graph."""
    host = urlsplit(graph).netloc
    path = "/v1.0/me/messages"
    return [
        f"http://{listener}{path}",
        f"https://{host}{path}",
        f"http://{host}@{listener}{path}",
        f"http://{listener}#@{host}{path}",
        f"//{listener}{path}",
        f"http:{path}",
        f"{graph}/v1.0/users",
        f"{graph}/v1.0/users/1/messages",
        f"{graph}/v1.0/me/../users",
        f"{graph}/v1.0/me/%2e%2e/users",
        f"{graph}/beta/me/messages",
        f"http://{host}.evil.example{path}",
        f"http://{host}\\@{listener}{path}",
        f"{graph}{path} ",
        path,
    ]


def test_a_link_that_leads_elsewhere_is_not_followed(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        for link in foreign_links(sandbox.http_url, f"127.0.0.1:{elsewhere.getsockname()[1]}"):
            sandbox.control.mailbox("work", [{"id": "one"}], next_link=link)
            answer = browser.fetch(f"{app.url}/api/messages")
            assert (answer.status, answer.json()["code"]) == (502, "graph_bad_answer"), link
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert {call["raw_path"] for call in sandbox.control.log(where="graph")} == {LIST}


@pytest.mark.parametrize("link", [5, [], {}, "", "x" * 9000])
def test_a_link_that_is_none_is_a_bad_answer(app: App, sandbox: Sandbox, sign_in: SignIn, link: object) -> None:
    browser = sign_in(app)
    sandbox.control.fault("graph", {"change": {"@odata.nextLink": link}})
    assert browser.fetch(f"{app.url}/api/messages").json()["code"] == "graph_bad_answer"
