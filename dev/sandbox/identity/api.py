"""App Service's endpoint, where the app's own process fetches its tokens.

https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.sandbox.identity.tokens import RESOURCES
from dev.sandbox.options import IDENTITY_CLIENT_ID, IDENTITY_HEADER
from dev.sandbox.people import TENANT_ID
from dev.sandbox.world import world_of

PATH = "/msi/token"


def routes() -> list[Route]:
    """IDENTITY_ENDPOINT."""
    return [Route(PATH, token, methods=["GET"])]


async def token(request: Request) -> Response:
    """?api-version=2019-08-01&resource=...&client_id=..., with the header that only the app's process knows."""
    world, query = world_of(request), request.query_params
    if not hmac.compare_digest(request.headers.get("x-identity-header", "").encode(), IDENTITY_HEADER.encode()):
        return _refusal(401, "Unauthorized")
    if query.get("api-version") != "2019-08-01":
        return _refusal(400, "The api-version is not supported.")
    resource, client_id = query.get("resource", ""), query.get("client_id", IDENTITY_CLIENT_ID)
    if resource not in RESOURCES:
        return _refusal(500, "An unexpected error occurred.")
    if client_id != IDENTITY_CLIENT_ID:
        return _refusal(400, "No User Assigned or Delegated Managed Identity found for specified ClientId.")
    value, expires = world.identity_tokens.new(resource, f"{world.https_url}/{TENANT_ID}")
    return JSONResponse(
        {
            "access_token": value,
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": client_id,
        }
    )


def _refusal(status: int, text: str) -> Response:
    return JSONResponse({"statusCode": status, "message": text}, status)
