"""What can go wrong with mail at Microsoft Graph. `graph_code` and `request_id` are Graph's own words, cleaned."""

from __future__ import annotations

from shared.errors import DrawbridgeError


class NoMailbox(DrawbridgeError):
    """Raised when Graph says that the account has no mailbox it can reach (guest, no licence, on premises)."""

    status = 404
    code = "no_mailbox"


class MessageNotFound(DrawbridgeError):
    """Raised when Graph does not know the message id: deleted, moved, or never there."""

    status = 404
    code = "message_not_found"


class FolderNotFound(DrawbridgeError):
    """Raised when Graph does not know the mail folder: deleted, or never there."""

    status = 404
    code = "folder_not_found"


class MessageTooLarge(DrawbridgeError):
    """Raised when a message is larger than what is shown here."""

    status = 413
    code = "message_too_large"


class AttachmentNotFound(DrawbridgeError):
    """Raised when Graph does not know the message or, in it, the attachment."""

    status = 404
    code = "attachment_not_found"


class AttachmentWithoutFile(DrawbridgeError):
    """Raised when an attachment is a message, an event, a contact or a link, and has no bytes of its own."""

    status = 404
    code = "attachment_without_file"


class AttachmentTooLarge(DrawbridgeError):
    """Raised when an attachment has more than 25 MB. `detail` says how many it has."""

    status = 413
    code = "attachment_too_large"


class Throttled(DrawbridgeError):
    """Raised when Graph throttles. `retry_after` says from when on to ask again."""

    status = 429
    code = "throttled"


class MailboxBusy(DrawbridgeError):
    """Raised when four requests for the same mailbox are already under way here and none ended within two seconds."""

    status = 429
    code = "mailbox_busy"


class GraphRefused(DrawbridgeError):
    """Raised when Graph refuses for a reason that the person cannot mend by signing in; see `graph_code`."""

    status = 502
    code = "graph_refused"


class GraphBadAnswer(DrawbridgeError):
    """Raised when Graph's answer is cut short, too large, not JSON, or leads elsewhere."""

    status = 502
    code = "graph_bad_answer"


class GraphTooLarge(GraphBadAnswer):
    """Raised when Graph's answer is larger than its caller takes."""


class GraphUnavailable(DrawbridgeError):
    """Raised when Graph cannot be reached or answers 5xx."""

    status = 503
    code = "graph_unavailable"


class GraphTimeout(DrawbridgeError):
    """Raised when Graph does not answer within ten seconds, or gives up itself (504)."""

    status = 504
    code = "graph_timeout"
