"""AADSTS errors in their three shapes: a page, a redirect, a JSON body."""

from __future__ import annotations

import time
import uuid
from typing import Any

from starlette.responses import JSONResponse


class EntraError(Exception):
    """A refusal. `on_page`: shown to the person and never redirected, since redirect_uri or client are not trusted."""

    def __init__(
        self,
        code: int,
        error: str,
        text: str,
        *,
        status: int = 400,
        suberror: str | None = None,
        claims: str | None = None,
        on_page: bool = False,
    ) -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code
        self.error = error
        self.text = text
        self.status = status
        self.suberror = suberror
        self.claims = claims
        self.on_page = on_page

    def redirect_parameters(self, now: float) -> dict[str, str]:
        """error, error_description and error_uri as they are added to redirect_uri; the lines end with CRLF."""
        lines = (
            f"AADSTS{self.code}: {self.text}",
            f"Trace ID: {new_trace_id()}",
            f"Correlation ID: {uuid.uuid4()}",
            f"Timestamp: {timestamp(now)}",
        )
        return {
            "error": self.error,
            "error_description": "\r\n".join(lines),
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


def missing_parameter(name: str, *, on_page: bool = False) -> EntraError:
    """AADSTS900144."""
    text = f"The request body must contain the following parameter: '{name}'."
    return EntraError(900144, "invalid_request", text, on_page=on_page)


def tenant_not_found(tenant: str) -> EntraError:
    """AADSTS90002."""
    return EntraError(
        90002,
        "invalid_tenant",
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
        on_page=True,
    )


def unknown_client(client_id: str, tenant: str) -> EntraError:
    """AADSTS700016."""
    return EntraError(
        700016,
        "unauthorized_client",
        f"Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
        on_page=True,
    )


def error_response(error: EntraError, now: float, correlation_id: str | None) -> JSONResponse:
    """The JSON body of the token and discovery endpoints, in the one-line form they have used since 2024."""
    trace_id = new_trace_id()
    correlation = correlation_id or str(uuid.uuid4())
    stamp = timestamp(now)
    document: dict[str, Any] = {
        "error": error.error,
        "error_description": f"AADSTS{error.code}: {error.text} Trace ID: {trace_id} "
        f"Correlation ID: {correlation} Timestamp: {stamp}",
        "error_codes": [error.code],
        "timestamp": stamp,
        "trace_id": trace_id,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
    if error.suberror is not None:
        document["suberror"] = error.suberror
    if error.claims is not None:
        document["claims"] = error.claims
    return JSONResponse(document, error.status, headers=token_endpoint_headers(trace_id))


def token_endpoint_headers(trace_id: str) -> dict[str, str]:
    """The headers with which the token endpoint answers, well or badly."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-store, no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
        "x-ms-request-id": trace_id,
        "x-ms-ests-server": "2.1.0 - SANDBOX ProdSlices",
        "Set-Cookie": "fpc=sandbox; path=/; secure; HttpOnly; SameSite=None",
    }


def new_trace_id() -> str:
    """A GUID; Entra's end in 00."""
    return f"{str(uuid.uuid4())[:-2]}00"


def timestamp(now: float) -> str:
    """YYYY-MM-DD HH:MM:SSZ, as in error bodies."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
