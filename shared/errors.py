"""Every error that the app raises on purpose; those of Graph are in graph_errors.

    DrawbridgeError                 has an HTTP status, a stable public code and words for a person
    |- NotConfigured                503 not_configured
    |- InternalError                500 internal_error
    |- the request                  400 invalid_request, invalid_cursor; 403 cross_site; 404 not_found
    |- who is asking                401 not_signed_in, interaction_required; 403 consent_required, account_not_allowed;
    |                               404 session_not_found
    |- the sign-in                  400 sign_in_expired, sign_in_refused; 403 sign_in_cancelled; 502 session_too_large
    |- Entra                        502 entra_bad_answer; 503 entra_unavailable, app_registration_refused
    |- Graph                        in graph_errors
    `- table and keys               503 storage_unavailable, session_busy, keys_unavailable

    StoreSignal                     what token_store tells sessions; never leaves shared/

Nothing here carries a token, a secret or an upstream's text. `detail` is ours; `graph_code` and `request_id` are short
words of Graph's, cleaned by whoever raises them.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.words import WORDS


class DrawbridgeError(Exception):
    """Base of everything that becomes an error answer.

    `retry_after` is in whole seconds, `wait` where it was not `told`; `location` is where to go on, where that is not
    our own sign-in. `step_up`: the sign-in that mends it must bring what the session's row says; `consent` is the
    permission that it must bring.
    """

    status = 500
    code = "internal_error"
    sign_in_again = False
    step_up = False
    consent: str | None = None
    location: str | None = None
    wait: int | None = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: int | None = None,
        graph_code: str | None = None,
        request_id: str | None = None,
        return_to: str = "/",
    ) -> None:
        super().__init__(self.code)
        self.title, words = WORDS[self.code]
        self.detail = detail or words
        self.retry_after = retry_after or self.wait
        self.told = retry_after is not None
        self.graph_code = graph_code
        self.request_id = request_id
        self.return_to = return_to


class InternalError(DrawbridgeError):
    """Stands in for any exception that nobody raised on purpose."""


class NotConfigured(DrawbridgeError):
    """Raised when settings are missing or wrong. `faults` names each setting and what it must be, never its value."""

    status = 503
    code = "not_configured"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__()
        self.faults = tuple(faults)

    def __str__(self) -> str:
        noun = "setting is" if len(self.faults) == 1 else "settings are"
        return f"{len(self.faults)} {noun} wrong: " + "; ".join(self.faults)


class InvalidRequest(DrawbridgeError):
    """Raised for a parameter that is unknown, repeated, too long or not of its form."""

    status = 400
    code = "invalid_request"


class InvalidCursor(DrawbridgeError):
    """Raised for a page cursor that was changed, or that belongs to another session."""

    status = 400
    code = "invalid_cursor"


class CrossSite(DrawbridgeError):
    """Raised when another site, or something that is not our own page, asks for what only our page may ask."""

    status = 403
    code = "cross_site"


class NotFound(DrawbridgeError):
    """Raised for an asset that does not exist."""

    status = 404
    code = "not_found"


class NotSignedIn(DrawbridgeError):
    """Raised when there is no session, or it has expired, was signed out, or its grant is dead."""

    status = 401
    code = "not_signed_in"
    sign_in_again = True


class InteractionRequired(DrawbridgeError):
    """Raised when Entra wants the person again (a policy, say) before it renews tokens. The session stays.

    `claims` is what the next sign-in must bring, as JSON; None where Entra named nothing.
    """

    status = 401
    code = "interaction_required"
    sign_in_again = True
    step_up = True

    def __init__(self, claims: str | None = None) -> None:
        super().__init__()
        self.claims = claims


class ConsentRequired(DrawbridgeError):
    """Raised when a permission that the call needs was not granted, by the person or by an administrator."""

    status = 403
    code = "consent_required"
    sign_in_again = True


class AccountNotAllowed(DrawbridgeError):
    """Raised when the account's organisation is not among those that this app serves."""

    status = 403
    code = "account_not_allowed"
    sign_in_again = True


class SessionNotFound(DrawbridgeError):
    """Raised when the person has no session of this number (any more)."""

    status = 404
    code = "session_not_found"


class SignInExpired(DrawbridgeError):
    """Raised for a callback that names no pending sign-in of this browser, or one that is too old."""

    status = 400
    code = "sign_in_expired"
    sign_in_again = True


class SignInCancelled(DrawbridgeError):
    """Raised when the person, or their organisation, declined at Entra."""

    status = 403
    code = "sign_in_cancelled"
    sign_in_again = True


class SignInRefused(DrawbridgeError):
    """Raised when Entra refuses the code, or its answer is not proof of who signed in."""

    status = 400
    code = "sign_in_refused"
    sign_in_again = True


class SessionTooLarge(DrawbridgeError):
    """Raised when tokens and claims together exceed what one table row holds (60 KiB sealed)."""

    status = 502
    code = "session_too_large"


class EntraUnavailable(DrawbridgeError):
    """Raised when Entra cannot be reached, is throttling or fails. Nobody is signed out by it."""

    status = 503
    code = "entra_unavailable"
    wait = 5


class EntraBadAnswer(DrawbridgeError):
    """Raised when Entra's answer is not what the protocol says: not JSON, cut short, too large."""

    status = 502
    code = "entra_bad_answer"


class AppRegistrationRefused(DrawbridgeError):
    """Raised when Entra refuses the app itself (secret expired, credential wrong): the operator's fault alone."""

    status = 503
    code = "app_registration_refused"


class StorageUnavailable(DrawbridgeError):
    """Raised when the session table cannot be reached or refuses. It never means that anybody is signed out."""

    status = 503
    code = "storage_unavailable"
    wait = 5


class KeysUnavailable(DrawbridgeError):
    """Raised while a session's key cannot be had from where it is kept. It never means that anybody is signed out."""

    status = 503
    code = "keys_unavailable"
    wait = 5


class SessionBusy(DrawbridgeError):
    """Raised when another request renews this session's tokens and does not end in time."""

    status = 503
    code = "session_busy"


class StoreSignal(Exception):
    """What the table said of a row. Caught in sessions; never an answer."""


class RowChanged(StoreSignal):
    """Raised when the row was written by somebody else since it was read, or existed before an insert."""


class RowGone(StoreSignal):
    """Raised when a row to update or delete does not exist."""


class OutcomeUnknown(StoreSignal):
    """Raised when a write was sent and no answer came: read again to learn what happened."""
