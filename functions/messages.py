"""GET api/messages and api/messages/{id}: mail of the signed-in person."""

from __future__ import annotations

from collections.abc import Mapping

import azure.functions as func

from shared import errors, http, mail_access
from shared.graph_ids import graph_id
from shared.mail import HEADERS_FIELD, LIST_FIELDS, MESSAGE_FIELDS, Wanted
from shared.services import Services

_SEARCH_MOST = 256


def list_messages(request: func.HttpRequest, services: Services) -> http.Response:
    """The newest messages of a folder, or what a search finds, or by `cursor` the page after an earlier one.

    `folder` is one of ours or a well-known name (the inbox; for a search the whole mailbox), `unread` is true, `search`
    1 to 256 characters, `top` 1 to 50 (25).
    Raises errors.InvalidRequest, InvalidCursor, FolderNotFound, and what a session and Graph raise.
    """
    http.refuse_cross_site(request)
    given = mail_access.list_parameters(request, ("folder", "unread", "search"))
    wanted = None if "cursor" in given else _wanted(given)
    session, deadline = mail_access.opened(request, services)
    if wanted is not None:
        messages, next_link = mail_access.asked(
            services, session, deadline, lambda access: services.mail.messages(access, wanted, deadline)
        )
    else:
        link = mail_access.link_of("messages", given["cursor"], session, services, deadline)
        messages, next_link = mail_access.asked(
            services, session, deadline, lambda access: services.mail.next_messages(access, link, deadline)
        )
    return http.json_answer(
        {
            "messages": [mail_access.public(found, LIST_FIELDS) for found in messages if isinstance(found, dict)],
            "next": mail_access.cursor_of("messages", next_link, session, services, deadline),
        }
    )


def _wanted(given: Mapping[str, str]) -> Wanted:
    search, unread = given.get("search"), "unread" in given
    if given.get("unread", "true") != "true":
        raise errors.InvalidRequest("`unread` is either true or left out.")
    if search is not None and unread:
        raise errors.InvalidRequest("`search` goes without `unread`: Microsoft filters no search.")
    if search is not None and not (search.strip() and search.isprintable() and len(search) <= _SEARCH_MOST):
        raise errors.InvalidRequest(f"`search` must be 1 to {_SEARCH_MOST} characters in one line.")
    folder = given.get("folder", "inbox" if search is None else None)
    return Wanted(
        folder=None if folder is None else mail_access.folder_of(folder),
        unread=unread,
        search=search,
        top=mail_access.top_of(given),
    )


def message(request: func.HttpRequest, services: Services) -> http.Response:
    """One message with all recipients and its text, and with `headers` (true) its internet headers.

    Raises errors.MessageNotFound, and what a session and Graph raise.
    """
    http.refuse_cross_site(request)
    given = http.parameters(request, ("headers",))
    if given.get("headers", "true") != "true":
        raise errors.InvalidRequest("`headers` is either true or left out.")
    headers = "headers" in given
    wanted = graph_id(request.route_params.get("id", ""))
    session, deadline = mail_access.opened(request, services)
    found = mail_access.asked(
        services, session, deadline, lambda access: services.mail.message(access, wanted, headers, deadline)
    )
    fields = (*MESSAGE_FIELDS, HEADERS_FIELD) if headers else MESSAGE_FIELDS
    return http.json_answer(mail_access.public(found, fields))
