"""How the client proves that it is the client: by its secret, or by an assertion of its managed identity.

RFC 6749 section 2.3.1, RFC 7523 section 2.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from dev.sandbox.entra.errors import EntraError
from dev.sandbox.identity.tokens import ASSERTION_AUDIENCE
from dev.sandbox.options import CLIENT_ID, CLIENT_SECRET
from dev.sandbox.world import World

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def check_client(world: World, form: Mapping[str, str]) -> None:
    """Raises EntraError. The app registration has one federated credential, for the managed identity."""
    if "client_assertion" in form:
        _check_assertion(world, form)
        return
    secret = form.get("client_secret")
    if secret is None:
        text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise EntraError(7000218, "invalid_client", text, status=401)
    if not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
        text = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{CLIENT_ID}'."
        )
        raise EntraError(7000215, "invalid_client", text, status=401)


def _check_assertion(world: World, form: Mapping[str, str]) -> None:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        text = f"The request body must contain the following parameter: 'client_assertion_type' ({ASSERTION_TYPE})."
        raise EntraError(900144, "invalid_request", text)
    claims = world.identity_tokens.claims(form["client_assertion"])
    if claims is None:
        text = "Client assertion failed signature validation."
        raise EntraError(700027, "invalid_client", text, status=401)
    if claims["aud"] != ASSERTION_AUDIENCE:
        text = f"No matching federated identity record found for presented assertion audience '{claims['aud']}'."
        raise EntraError(700212, "invalid_client", text, status=401)
    if claims["exp"] <= world.clock.now():
        raise EntraError(700024, "invalid_client", "Client assertion is not within its valid time range.", status=401)
