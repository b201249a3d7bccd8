"""GET api/messages/{id}/attachments and .../attachments/{attachment_id}: what came with a message."""

from __future__ import annotations

import threading
from typing import Any

import azure.functions as func

from shared import graph_errors, http, mail_access, mail_parts
from shared.file_names import content_disposition, safe_name
from shared.graph_ids import graph_id, public_id
from shared.services import Services

WAIT_SECONDS = 5.0
_KEPT = ("name", "contentType", "size", "isInline", "contentId", "lastModifiedDateTime")
_FILES_AT_ONCE = threading.BoundedSemaphore(2)
"""An answer is one value in memory, and the worker makes a copy of it: two files at once in a process, no more."""


def list_attachments(request: func.HttpRequest, services: Services) -> http.Response:
    """All attachments of a message, the pictures in its text too: `kind` says what each is, `size` is Exchange's.

    Raises graph_errors.MessageNotFound, and what a session and Graph raise.
    """
    http.refuse_cross_site(request)
    http.parameters(request, ())
    wanted = graph_id(request.route_params.get("id", ""))
    session, deadline = mail_access.opened(request, services)
    found = mail_access.asked(
        services, session, deadline, lambda access: mail_parts.attachments(services.graph, access, wanted, deadline)
    )
    return http.json_answer({"attachments": [_public(attachment) for attachment in found], "next": None})


def attachment(request: func.HttpRequest, services: Services) -> http.Response:
    """An attached file, to be saved and never shown.

    Raises graph_errors.AttachmentNotFound, AttachmentWithoutFile, AttachmentTooLarge, MailboxBusy where two files are
    being fetched already and neither is through within five seconds, and what a session and Graph raise.
    """
    http.refuse_cross_site(request)
    http.parameters(request, ())
    message_id = graph_id(request.route_params.get("id", ""))
    attachment_id = graph_id(request.route_params.get("attachment_id", ""), graph_errors.AttachmentNotFound)
    session, deadline = mail_access.opened(request, services)
    if not _FILES_AT_ONCE.acquire(timeout=max(0.0, min(WAIT_SECONDS, deadline.remaining()))):
        raise graph_errors.MailboxBusy("Other attachments are being fetched. Try again in a moment.", retry_after=2)
    try:
        name, content = mail_access.asked(
            services,
            session,
            deadline,
            lambda access: mail_parts.file(services.graph, access, message_id, attachment_id, deadline),
        )
    finally:
        _FILES_AT_ONCE.release()
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": content_disposition(safe_name(name)),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "unsafe-none",
    }
    return http.Response(content, kind="application/octet-stream", headers=headers)


def _public(found: dict[str, Any]) -> dict[str, Any]:
    """An attachment as it leaves here: Graph's names, our id, and what it is."""
    identifier = found.get("id")
    known = {name: found[name] for name in _KEPT if name in found}
    return {
        "id": public_id(identifier) if isinstance(identifier, str) else None,
        "kind": mail_parts.kind_of(found),
        **known,
    }
