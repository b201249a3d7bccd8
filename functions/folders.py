"""GET api/folders: the mail folders of the signed-in person, with how much in them is unread."""

from __future__ import annotations

import azure.functions as func

from shared import http, mail_access
from shared.mail import FOLDER_FIELDS
from shared.services import Services


def list_folders(request: func.HttpRequest, services: Services) -> http.Response:
    """The folders at the top, those directly below `folder`, or by `cursor` the page after an earlier one.

    Raises errors.InvalidRequest, InvalidCursor, FolderNotFound, and what a session and Graph raise.
    """
    http.refuse_cross_site(request)
    given = mail_access.list_parameters(request, ("folder",))
    top = mail_access.top_of(given)
    parent = mail_access.folder_of(given["folder"]) if "folder" in given else None
    session, deadline = mail_access.opened(request, services)
    if "cursor" in given:
        link = mail_access.link_of("folders", given["cursor"], session, services, deadline)
        folders, next_link = mail_access.asked(
            services, session, deadline, lambda access: services.mail.next_folders(access, link, deadline)
        )
    else:
        folders, next_link = mail_access.asked(
            services, session, deadline, lambda access: services.mail.folders(access, parent, top, deadline)
        )
    return http.json_answer(
        {
            "folders": [mail_access.public(found, FOLDER_FIELDS) for found in folders if isinstance(found, dict)],
            "next": mail_access.cursor_of("folders", next_link, session, services, deadline),
        }
    )
