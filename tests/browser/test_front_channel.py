"""Signing out at Entra, on behalf of another app say, ends the session here too: by a frame that has no cookie."""

from __future__ import annotations

from playwright.sync_api import Request, expect

from dev.sandbox.serving import Sandbox
from tests.browser.inbox import Inbox


def test_signing_out_at_entra_alone_ends_the_session_here_without_any_cookie(inbox: Inbox, sandbox: Sandbox) -> None:
    inbox.sign_in_by_hand()
    told: list[Request] = []
    inbox.page.on("request", lambda sent: told.append(sent) if "/auth/front-channel-logout?sid=" in sent.url else None)
    inbox.page.goto(f"{sandbox.http_url}/common/oauth2/v2.0/logout?post_logout_redirect_uri={inbox.url}/")
    inbox.page.wait_for_url(f"{inbox.url}/")
    expect(inbox.welcome).to_be_visible()
    (request,) = told
    assert "cookie" not in request.all_headers()
    answer = request.response()
    assert answer is not None
    assert answer.status == 200
    assert inbox.complaints == []
