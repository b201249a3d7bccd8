"""The identity that Azure gives the app, in place of secrets in settings. The only place that touches azure.identity.

https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shared import errors, log
from shared.azure_clients import client_options
from shared.clock import Clock, Deadline
from shared.outbound import Outbound
from shared.wire import bounded_by

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SECONDS = 3.0
"""What asking for one assertion may take."""
ASSERTION_SCOPE = "api://AzureADTokenExchange/.default"


def managed_identity(client_id: str | None, outbound: Outbound) -> TokenCredential:
    """The identity with this client id; without one, the app's only or its system-assigned one.

    It asks within the deadline of whoever asks it, keeps each token, and renews it at half its life.
    """
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id, **client_options(outbound, SECONDS))


def client_assertion(identity: TokenCredential, clock: Clock) -> Callable[[], str]:
    """What makes the app's assertions for Entra, instead of a client secret. RFC 7523 section 2.2.

    https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    """

    def assertion() -> str:
        """Raises errors.EntraUnavailable: whatever is wrong with the identity, nobody is signed out by it."""
        try:
            with bounded_by(Deadline(clock, SECONDS)):
                return identity.get_token(ASSERTION_SCOPE).token
        except Exception as problem:  # noqa: BLE001 - the library lets whatever it stumbles over escape
            log.failure("managed_identity_failed", problem)
            raise errors.EntraUnavailable from None

    return assertion
