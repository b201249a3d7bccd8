"""Get key, wrap key and unwrap key. https://learn.microsoft.com/rest/api/keyvault/keys"""

from __future__ import annotations

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.sandbox.entra.keys import base64url
from dev.sandbox.people import TENANT_ID
from dev.sandbox.vault.keys import NAME, KeyVersion
from dev.sandbox.world import World, world_of

AUDIENCE = "https://vault.azure.net"
ALGORITHM = "RSA-OAEP-256"


class VaultError(Exception):
    """A refusal, with Key Vault's own code."""

    def __init__(self, status: int, code: str, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.headers = headers


def routes() -> list[Route]:
    """`rest` is the version or nothing, and for a POST the operation."""
    return [Route("/keys/{name}/{rest:path}", answer, methods=["GET", "POST"])]


async def answer(request: Request) -> Response:
    """One operation. Without a token for Key Vault the answer is the challenge that says where to get one."""
    world = world_of(request)
    try:
        _check_caller(request, world)
        version, operation = _addressed(request, world)
        if request.method == "GET":
            return JSONResponse(_public(version, request))
        value = await _operated(request, version, operation)
        return JSONResponse({"kid": _key_id(request, version), "value": base64url(value)})
    except VaultError as error:
        return JSONResponse({"error": {"code": error.code, "message": error.text}}, error.status, error.headers)


def key_id(origin: str, version: KeyVersion) -> str:
    """The id of one version of the key, at the vault's address."""
    return f"{origin}/keys/{NAME}/{version.name}"


def _check_caller(request: Request, world: World) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not world.identity_tokens.is_good_for(token, AUDIENCE):
        challenge = f'Bearer authorization="{world.https_url}/{TENANT_ID}", resource="{AUDIENCE}"'
        text = "AKV10000: Request is missing a Bearer or PoP token."
        raise VaultError(401, "Unauthorized", text, {"WWW-Authenticate": challenge})
    if not request.query_params.get("api-version"):
        raise VaultError(400, "BadParameter", "api-version must be specified")


def _addressed(request: Request, world: World) -> tuple[KeyVersion, str]:
    """The version that the path names, or the newest, and the operation: "" for a GET."""
    rest = request.path_params["rest"].split("/")
    operation = rest.pop() if request.method == "POST" else ""
    version = world.vault_key.version(rest[0] if rest else "")
    if request.path_params["name"] != NAME or len(rest) > 1 or version is None:
        raise VaultError(404, "KeyNotFound", "A key with (name/id) was not found in this key vault.")
    return version, operation


async def _operated(request: Request, version: KeyVersion, operation: str) -> bytes:
    operations = {"wrapkey": version.wrap, "unwrapkey": version.unwrap}
    document = await request.json()
    if operation not in operations or document.get("alg") != ALGORITHM:
        raise VaultError(400, "BadParameter", "Property alg or the operation is not supported.")
    value = base64.urlsafe_b64decode(document["value"] + "==")
    try:
        return operations[operation](value)
    except ValueError:
        raise VaultError(400, "BadParameter", "The parameter is incorrect.") from None


def _key_id(request: Request, version: KeyVersion) -> str:
    return key_id(f"https://{request.url.netloc}", version)


def _public(version: KeyVersion, request: Request) -> dict[str, Any]:
    key = {"kid": _key_id(request, version), "kty": "RSA", "key_ops": ["wrapKey", "unwrapKey"]}
    attributes = {
        "enabled": True,
        "created": version.created,
        "updated": version.created,
        "recoveryLevel": "Recoverable",
        "exportable": False,
    }
    return {"key": key | version.public_numbers(), "attributes": attributes}
