"""What Entra's errors mean here: who can mend them, and whether a session survives.

Decided by `error` and `suberror` alone, never by an AADSTS number or a text, which Microsoft changes at will; numbers
go to the log, where a person looks them up. https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from shared import errors, log
from shared.challenges import claims_of
from shared.session_rows import Identity

_OPERATOR = {
    "invalid_client",
    "unauthorized_client",
    "invalid_request",
    "invalid_scope",
    "invalid_resource",
    "unsupported_response_type",
}
_LATER = {"temporarily_unavailable", "server_error"}
_DEAD = {"", "bad_token", "token_expired"}


def redirect_error(error: str, parameters: Mapping[str, str]) -> errors.DrawbridgeError:
    """What an error on the redirect back from Entra means for the person. RFC 6749 section 4.1.2.1."""
    if error == "access_denied" and parameters.get("admin_consent", "").lower() == "true":
        return errors.SignInCancelled(
            "The administrator's consent did not come about. Sign in with another account, "
            "or ask an administrator of your organisation."
        )
    if error == "access_denied":
        return errors.SignInCancelled()
    if error == "consent_required":
        return errors.ConsentRequired(
            "An administrator of your organisation must agree before this app may be used. "
            "Ask them, then sign in again."
        )
    if error in _LATER:
        return errors.EntraUnavailable()
    if error in _OPERATOR:
        return _operator_error({"error": error})
    return errors.SignInRefused()


def redemption_error(result: Mapping[str, Any]) -> errors.DrawbridgeError:
    """What a refused code means. RFC 6749 section 5.2."""
    error, suberror = _words(result)
    if error == "consent_required" or suberror == "consent_required":
        return errors.ConsentRequired()
    if error in _LATER:
        return errors.EntraUnavailable()
    if error in _OPERATOR:
        return _operator_error(result)
    log.event("sign_in_refused", reason=error, codes=_numbers(result))
    return errors.SignInRefused()


def refresh_error(result: Mapping[str, Any], who: Identity) -> errors.DrawbridgeError:
    """What a refused refresh token means: only a dead grant ends the session (errors.NotSignedIn).

    Where Entra asks for the person, or says anything else that a sign-in can mend, its claims are carried on.
    """
    error, suberror = _words(result)
    log.event(
        "refresh_failed",
        reason=error,
        suberror=suberror,
        codes=_numbers(result),
        tenant=who.tenant_id,
        person=who.object_id,
    )
    if error in _LATER:
        return errors.EntraUnavailable()
    if error in _OPERATOR:
        return _operator_error(result)
    if error == "invalid_grant" and suberror in _DEAD and not result.get("claims"):
        return errors.NotSignedIn()
    return errors.InteractionRequired(claims_of(result.get("claims")))


def error_codes(result: Mapping[str, Any]) -> list[int]:
    """The AADSTS numbers of an error body, at most five."""
    codes = result.get("error_codes")
    return [code for code in codes if isinstance(code, int)][:5] if isinstance(codes, list) else []


def _operator_error(result: Mapping[str, Any]) -> errors.AppRegistrationRefused:
    log.event(
        "app_registration_refused",
        logging.ERROR,
        reason=str(result.get("error"))[:64],
        codes=_numbers(result),
        remedy="renew the client secret or federated credential of the app registration, and compare ENTRA_* with it",
    )
    return errors.AppRegistrationRefused()


def _numbers(result: Mapping[str, Any]) -> str:
    return json.dumps(error_codes(result))


def _words(result: Mapping[str, Any]) -> tuple[str, str]:
    return str(result.get("error") or "")[:64], str(result.get("suberror") or "")[:64]
