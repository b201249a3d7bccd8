"""The identity that Azure gives the app, in place of secrets in settings. The only place that touches azure.identity.

https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared import errors, log
from shared.azure_clients import client_options
from shared.clock import Clock, Deadline
from shared.outbound import Outbound
from shared.wire import bounded_by

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SECONDS = 3.0
"""What asking for one token may take. It is rare: the library keeps each, and renews it at half its life."""
_AUDIENCE = "api://AzureADTokenExchange"
_AUDIENCES = {
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
}
"""By the authority's host, for the clouds that have one of their own."""


class NoToken(Exception):
    """Raised where the identity's endpoint gives no token."""


def managed_identity(client_id: str | None, outbound: Outbound) -> TokenCredential:
    """The identity with this client id; without one, the system-assigned one."""
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id, **client_options(outbound, SECONDS))


def token_for(scope: str, identity: TokenCredential, deadline: Deadline) -> str:
    """An access token of the identity's, within at most 3 s. Raises NoToken, whatever is wrong with the identity."""
    try:
        with bounded_by(deadline.within(SECONDS)):
            return identity.get_token(scope).token
    except Exception as problem:  # noqa: BLE001 - the library lets whatever it stumbles over escape
        log.failure("managed_identity_failed", problem)
        raise NoToken from None


def federated_audience(authority: str) -> str:
    """The audience of assertions that are made for this authority, which differs by cloud."""
    return _AUDIENCES.get(urlsplit(authority).hostname or "", _AUDIENCE)


def client_assertion(identity: TokenCredential, authority: str, clock: Clock) -> Callable[[], str]:
    """What makes the app's assertions for this authority, instead of a client secret. RFC 7523 section 2.2.

    https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    """

    scope = federated_audience(authority) + "/.default"

    def assertion() -> str:
        """Raises errors.EntraUnavailable, so that nobody is signed out by it."""
        try:
            return token_for(scope, identity, Deadline(clock, SECONDS))
        except NoToken:
            raise errors.EntraUnavailable from None

    return assertion
