"""GET api/messages/{id}/body: what a message says, as a document of its own."""

from __future__ import annotations

import azure.functions as func

from shared import errors, http, mail_access, mail_body, mail_parts
from shared.graph import Access
from shared.graph_ids import graph_id
from shared.services import Services

_SHOWN_IN = ("", "iframe", "document")
"""What Sec-Fetch-Dest may say: a frame, a tab, or nothing where the browser is older than the header."""


def message_body(request: func.HttpRequest, services: Services) -> http.Response:
    """The message as a document without scripts; with `format=text` as plain text, with `images=remote` with pictures
    that lie elsewhere. How many those are is said in Server-Timing, which the page around the frame can read.

    Raises errors.CrossSite, InvalidRequest, graph_errors.MessageNotFound, MessageTooLarge and what a session and Graph
    raise.
    """
    http.refuse_cross_site(request)
    if request.headers.get("sec-fetch-dest", "") not in _SHOWN_IN:
        raise errors.InvalidRequest("A message's body is shown in a frame or tab of its own, and nowhere else.")
    given = http.parameters(request, ("format", "images"))
    as_text, remote = given.get("format", "html") == "text", given.get("images") == "remote"
    if given.get("format", "html") not in ("html", "text") or given.get("images", "remote") != "remote":
        raise errors.InvalidRequest("`format` must be html or text; `images` can only be remote.")
    wanted = graph_id(request.route_params.get("id", ""))
    session, deadline = mail_access.opened(request, services)

    def read(access: Access) -> http.Response:
        content, is_html = mail_parts.body(services.graph, access, wanted, deadline, as_text=as_text)
        if as_text:
            return _answer(content, "text/plain", remote=False, remote_pictures=0)
        body = mail_body.MailBody(content if is_html else mail_body.text_as_html(content), remote=remote)
        asked_for = body.content_ids
        own = mail_parts.pictures(services.graph, access, wanted, asked_for, deadline) if asked_for else {}
        return _answer(body.document(own), "text/html", remote=remote, remote_pictures=len(body.remote_pictures))

    return mail_access.asked(services, session, deadline, read)


def _answer(text: str, kind: str, *, remote: bool, remote_pictures: int) -> http.Response:
    headers = {
        "Content-Security-Policy": mail_body.policy(remote=remote),
        "Cross-Origin-Opener-Policy": "unsafe-none",  # with another, browsers open no sandboxed document in a tab
        "X-DNS-Prefetch-Control": "off",
        "Server-Timing": f'remote-pictures;desc="{remote_pictures}"',
    }
    return http.Response(text.encode("utf-8", "replace"), kind=kind, headers=headers)
