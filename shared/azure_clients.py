"""What every client of Azure's own libraries is made with: our connections, no retries, and silence in the log."""

from __future__ import annotations

import logging
from typing import Any

from shared.outbound import Outbound
from shared.wire import CONNECT_SECONDS

# The first logs every request with its headers, the others what an identity's endpoint has answered. What matters of a
# failure is logged by whoever asked.
_LOUD = (
    "azure.core.pipeline.policies.http_logging_policy",
    "azure.identity",
    "azure.keyvault",
    "msal.managed_identity",
)


def client_options(outbound: Outbound, seconds: float, host: str = "") -> dict[str, Any]:
    """Keyword arguments for a client that asks one `host`, where that may be a loopback one over TLS.

    `seconds` is for each wait on the socket; calls as a whole end at the deadline of `wire.bounded_by`.
    """
    from azure.core.pipeline.transport import RequestsTransport

    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return {
        "transport": RequestsTransport(session=outbound.session(host), session_owner=False, use_env_settings=False),
        "retry_total": 0,
        "connection_timeout": min(CONNECT_SECONDS, seconds),
        "read_timeout": seconds,
        "logging_enable": False,
    }
