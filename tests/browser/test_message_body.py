"""The body of a mail in Chromium: it is shown, nothing in it runs, and a server elsewhere hears nothing of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Frame, expect

from dev.sandbox.serving import Sandbox
from shared.mail_body import policy
from tests.browser.inbox import Inbox
from tests.browser.mail import message
from tests.fakes.wire import Exchange, Server

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"

PICTURES = """
<img src="{0}/1"><img srcset="{0}/no 2x"><table background="{0}/2"><tr><td style="background:url({0}/3)">x</table>
<style>p {{ background-image: url('{0}/4') }}</style>"""
REACHING = """
<script src="{0}/a"></script><script>fetch('{0}/b'); parent.ran = 1; top.ran = 1; alert(1)</script>
<img src=x onerror="parent.ran=1;fetch('{0}/c')"><body onload="top.ran=1;location='{0}/d'">
<svg onload="parent.ran=1"><image href="{0}/e" /><script>top.ran=1</script><style>@import '{0}/f';</style></svg>
<iframe src="{0}/g"></iframe><iframe srcdoc="<img src='{0}/h'><script>top.ran=1</script>"></iframe>
<object data="{0}/i"></object><embed src="{0}/j"><video src="{0}/k" poster="{0}/l" autoplay></video><audio src="{0}/m">
<meta http-equiv="refresh" content="0;url={0}/n"><base href="{0}/o/"><link rel=stylesheet href="{0}/p">
<link rel=prefetch href="{0}/q"><link rel=modulepreload href="{0}/r"><link rel=icon href="{0}/s">
<style>@import url({0}/t); @font-face {{ font-family: a; src: url({0}/u) }} * {{ font-family: a }}</style>
<form action="{0}/v" id=f><input name=a autofocus onfocus="this.form.submit()"><input type=image src="{0}/w"></form>
<math><mtext><style><img src="{0}/x"></style></mtext></math><picture><source srcset="{0}/y"><img src=x></picture>
<a href="#f" ping="{0}/z" id=inside>inside</a><input type=submit form=f><portal src="{0}/A"></portal>
<p style="list-style-image:url({0}/B);cursor:url({0}/C),auto;content:url({0}/D)">list</p>"""
EARLY = '<link rel=preconnect href="{0}"><link rel="dns-prefetch preconnect" href="{0}" crossorigin>'


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """A server that is not ours; `accepted` counts connections, so that one without a request counts as well."""

    def answer(exchange: Exchange) -> None:
        exchange.answer(PNG, "200 OK", "Content-Type: image/png", "Cache-Control: no-store")

    with Server(answer) as server:
        yield server


def html(content: str, **changes: Any) -> dict[str, Any]:
    return message(0, body={"contentType": "html", "content": content}, **changes)


def body_path(query: str = "") -> str:
    return f"/api/messages/{base64.urlsafe_b64encode(b'AAMkAG0000=').decode()}/body".replace("=", "") + query


def framed(inbox: Inbox, query: str = "", path: str = "") -> Frame:
    """The body in a frame on the app's page, loaded with everything that it loads."""
    inbox.page.evaluate(
        """([source, sandbox]) => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.setAttribute("sandbox", sandbox);
            frame.name = "mail";
            frame.addEventListener("load", resolve);
            frame.src = source;
            document.querySelector('iframe[name="mail"]')?.remove();
            document.body.append(frame);
        })""",
        [path or body_path(query), SANDBOX],
    )
    inbox.page.wait_for_load_state("networkidle")
    frame = inbox.page.frame("mail")
    assert frame is not None
    return frame


@pytest.mark.parametrize("content", [REACHING, PICTURES, EARLY], ids=["reaching", "pictures", "early"])
def test_a_hostile_mail_reaches_nobody_and_runs_nothing(
    inbox: Inbox, sandbox: Sandbox, elsewhere: Server, content: str
) -> None:
    hostile = f"<p>Begin</p>{content.format(elsewhere.url)}<p>End</p>"
    sandbox.control.mailbox("work", [html(hostile)])
    inbox.sign_in()
    asked: list[str] = []
    inbox.page.on("request", lambda request: asked.append(request.url))
    inbox.page.on("dialog", lambda dialog: asked.append(dialog.message))
    frame = framed(inbox)
    expect(frame.get_by_text("Begin")).to_be_visible()
    expect(frame.get_by_text("End")).to_be_visible()
    if frame.locator("#inside").count():
        frame.locator("#inside").click()
    inbox.page.wait_for_load_state("networkidle")
    assert frame.url.partition("#")[0] == inbox.url + body_path()
    assert [url for url in asked if not url.startswith((inbox.url, "data:image/"))] == []
    assert elsewhere.accepted == 0
    assert not inbox.page.evaluate("window.ran")
    assert inbox.complaints == [], "nothing was even tried"


def test_the_policy_alone_holds_the_same_mail_where_the_filter_let_it_through(inbox: Inbox, elsewhere: Server) -> None:
    unfiltered = REACHING.format(elsewhere.url) + PICTURES.format(elsewhere.url)
    headers = {"Content-Security-Policy": policy(remote=False), "Content-Type": "text/html; charset=utf-8"}
    inbox.context.route("**/unfiltered", lambda route: route.fulfill(body=unfiltered, headers=headers))
    inbox.sign_in()
    frame = framed(inbox, path="/unfiltered")
    expect(frame.get_by_text("list")).to_be_attached()
    assert elsewhere.requests == []  # a connection without a request it may open: hence the filter
    assert not inbox.page.evaluate("window.ran")
    assert inbox.complaints, "the browser says what it held back"
    inbox.complaints.clear()


def test_remote_pictures_come_when_asked_exactly_as_many_as_were_counted(
    inbox: Inbox, sandbox: Sandbox, elsewhere: Server
) -> None:
    sandbox.control.mailbox("work", [html(f"<p>x</p>{PICTURES.format(elsewhere.url)}")])
    inbox.sign_in()
    framed(inbox)
    counted = inbox.page.evaluate(
        """() => performance.getEntriesByType("resource").find((entry) => entry.name.endsWith("/body"))
            .serverTiming.find((timing) => timing.name === "remote-pictures").description"""
    )
    assert elsewhere.accepted == 0
    framed(inbox, "?images=remote")
    fetched = {request.split(b" ")[1] for request in elsewhere.requests}
    assert fetched == {b"/1", b"/2", b"/3", b"/4"}
    assert int(counted) == len(fetched)
    assert not [request for request in elsewhere.requests if b"referer:" in request.lower()]


def test_a_link_opens_a_tab_that_knows_nothing_of_the_mail(inbox: Inbox, sandbox: Sandbox, elsewhere: Server) -> None:
    sandbox.control.mailbox("work", [html(f'<a href="{elsewhere.url}/there" target="_top">there</a>')])
    inbox.sign_in()
    frame = framed(inbox)
    with inbox.context.expect_page() as opened:
        frame.get_by_role("link", name="there").click()
    opened.value.wait_for_load_state()
    assert opened.value.url == f"{elsewhere.url}/there"
    assert opened.value.evaluate("window.opener") is None
    assert b"referer:" not in elsewhere.requests[0].lower()
    assert inbox.page.url.startswith(inbox.url)


def test_the_messages_own_pictures_show_and_no_other_address_is_tried(inbox: Inbox, sandbox: Sandbox) -> None:
    pictures = [
        {"@odata.type": "#microsoft.graph.fileAttachment", "id": name, "name": name, "contentId": content_id}
        | {"contentBytes": base64.b64encode(PNG).decode(), "isInline": False}
        for name, content_id in (("one", "image001.png@01DA"), ("two", "<logo>"))
    ]
    content = '<img src="cid:image001.png@01DA"> <img src="CID:logo"> <img src="cid:gone@x" alt="gone">'
    sandbox.control.mailbox("work", [html(content, attachments=pictures)])
    inbox.sign_in()
    failed: list[str] = []
    inbox.page.on("requestfailed", lambda request: failed.append(request.url))
    frame = framed(inbox)
    widths = frame.locator("img").evaluate_all("pictures => pictures.map((picture) => picture.naturalWidth)")
    assert widths == [1, 1, 0]
    assert failed == []


def test_a_body_may_have_a_tab_of_its_own_and_is_a_stranger_to_the_app_there(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", [html("<p>Hello</p><script>document.title = 'ran'</script>")])
    inbox.sign_in()
    with inbox.context.expect_page() as opened:
        inbox.page.evaluate("path => { window.open(path, '_blank', 'noopener') }", body_path())
    tab = opened.value
    expect(tab.get_by_text("Hello")).to_be_visible()
    assert tab.evaluate("self.origin") == "null"
    assert tab.title() == "Message"


def test_a_newsletter_of_seven_million_characters_is_shown_and_leaves_the_page_its_looks(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    picture = '<img src="data:image/png;base64,' + base64.b64encode(PNG + bytes(120_000)).decode() + '">'
    style = "<style>body,header,button,a{font-size:60px!important}button{display:none!important}</style>"
    sandbox.control.mailbox("work", [html(f"{style}<p>First words</p>{picture * 40}{'<div>' * 30_000}")])
    inbox.sign_in()
    button = inbox.page.get_by_role("button", name="Sign out")
    look = "element => [getComputedStyle(element).display, getComputedStyle(element).fontSize]"
    before = button.evaluate(look)
    expect(framed(inbox).get_by_text("First words")).to_be_visible()
    assert button.evaluate(look) == before


def test_what_went_wrong_can_be_read_in_the_frame(inbox: Inbox, sandbox: Sandbox) -> None:
    sandbox.control.mailbox("work", [])
    inbox.sign_in()
    expect(framed(inbox).get_by_text("message_not_found")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("page.html", "text/html", "<script>top.ran=1;alert(1)</script>"),
        ("picture.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' onload='top.ran=1;alert(1)'/>"),
        ("feed.xml", "text/xml", "<a xmlns='http://www.w3.org/1999/xhtml'><script>top.ran=1</script></a>"),
    ],
)
def test_an_attachment_is_saved_whatever_it_is_and_never_opened(
    inbox: Inbox, sandbox: Sandbox, name: str, kind: str, content: str
) -> None:
    file = {
        "id": "file",
        "name": name,
        "contentType": kind,
        "contentBytes": base64.b64encode(content.encode()).decode(),
    }
    sandbox.control.mailbox("work", [html("x", attachments=[file])])
    inbox.sign_in()
    path = body_path().replace("/body", f"/attachments/{base64.urlsafe_b64encode(b'file').decode().rstrip('=')}")
    with inbox.page.expect_download() as saved:
        inbox.page.evaluate("path => { location = path }", path)
    assert saved.value.suggested_filename == name
    assert saved.value.path().read_text() == content
    assert inbox.is_at_home()
    assert not inbox.page.evaluate("window.ran")
