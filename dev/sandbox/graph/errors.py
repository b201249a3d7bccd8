"""Graph's error envelope. Texts as they have been seen on the wire."""

from __future__ import annotations

import base64
import time
from typing import Any

EXPIRED = "Lifetime validation failed, the token is expired."
EXPIRED_PERSONAL = "CompactToken validation failed with reason code: 80049228."
GARBLED = "CompactToken parsing failed with error code: 80049217"
REVOKED = "TokenIssuedBeforeRevocationTimestamp"
STEP_UP = "InsufficientAuthStrength"
NO_MAILBOX = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."


class GraphError(Exception):
    """A refusal. Errors of Exchange come without innerError: `bare`."""

    def __init__(
        self, status: int, code: str, message: str, *, bare: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.bare = bare
        self.headers = headers or {}

    def envelope(self, request_id: str, client_request_id: str) -> dict[str, Any]:
        """{"error": {"code", "message", "innerError"}}; the inner date has no Z."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if not self.bare:
            error["innerError"] = {
                "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
                "request-id": request_id,
                "client-request-id": client_request_id,
            }
        return {"error": error}


def unauthenticated(message: str) -> GraphError:
    """401 InvalidAuthenticationToken, with WWW-Authenticate as Graph sends it outside of claims challenges."""
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )
    return GraphError(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge})


def challenged(claims: str, reason: str) -> GraphError:
    """401 with a claims challenge, as Graph sends it: authorization_uri without quotes, base64 with its padding."""
    text = f"Continuous access evaluation resulted in challenge with result: InteractionRequired and code: {reason}"
    challenge = (
        'Bearer realm="", authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize, '
        'client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", '
        f'claims="{base64.b64encode(claims.encode()).decode()}", errorDescription="{text}"'
    )
    return GraphError(401, "InvalidAuthenticationToken", f"{text}.", headers={"WWW-Authenticate": challenge})


def access_denied() -> GraphError:
    """403: a permission is missing."""
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def no_mailbox() -> GraphError:
    """404: a guest, or nobody with a licence."""
    return GraphError(404, "MailboxNotEnabledForRESTAPI", NO_MAILBOX)


def throttled() -> GraphError:
    """429: a fifth request at once for one mailbox."""
    text = "Application is over its MailboxConcurrency limit."
    return GraphError(429, "ApplicationThrottled", text, bare=True, headers={"Retry-After": "1"})


def item_not_found() -> GraphError:
    """404: moved or deleted."""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.", bare=True)


def malformed_id() -> GraphError:
    """400: no id of ours looks like this."""
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.", bare=True)


def unknown_segment(segment: str) -> GraphError:
    """400: no such path."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def bad_query(message: str) -> GraphError:
    """400: a query option that nobody understands."""
    return GraphError(400, "BadRequest", message)


def search_with(option: str) -> GraphError:
    """400: an option that no search takes."""
    shown = {"$orderby": "$orderBy"}.get(option, option)
    code = {"$orderby": "SearchWithOrderBy", "$filter": "SearchWithFilter"}.get(option, "BadRequest")
    return GraphError(400, code, f"The query parameter '{shown}' is not supported with '$search'.")


def too_complex() -> GraphError:
    """400: $orderby names what $filter does not."""
    text = "The restriction or sort order is too complex for this operation."
    return GraphError(400, "InefficientFilter", text, bare=True)
