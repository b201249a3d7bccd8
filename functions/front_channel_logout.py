"""GET auth/front-channel-logout: Entra's sign-out page says, in a hidden frame, which of its sessions has ended.

OpenID Connect Front-Channel Logout 1.0. The frame belongs to another site, so no cookie of ours comes with it, and
whoever knows a `sid` may send it. Entra sends no `iss`; where one comes, it must be that of the sessions' tenant.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import azure.functions as func

from shared import errors, http, log
from shared.clock import Deadline
from shared.services import Services
from shared.session_index import SID
from shared.settings import is_loopback
from shared.token_store import SECONDS

_AFTER_ORIGIN = r"/([0-9a-f-]{36})/v2\.0"


def front_channel_logout(request: func.HttpRequest, services: Services) -> http.Response:
    """End the sessions of this `sid`. The answer is the same whatever was asked and found: it tells nothing."""
    origin = services.config.authority.rpartition("/")[0]
    try:
        given = http.parameters(request)
        issuer = re.fullmatch(re.escape(origin) + _AFTER_ORIGIN, given.get("iss", ""))
        if SID.fullmatch(given.get("sid", "")) and (issuer or "iss" not in given):
            tenant_id = issuer[1] if issuer else None
            services.signed_in.end_sid(given["sid"], tenant_id, Deadline(services.clock, SECONDS))
    except errors.InvalidRequest:
        pass
    except errors.StorageUnavailable:
        log.event("front_channel_logout_failed")
    return http.Response(b"", kind="text/html", headers={"Content-Security-Policy": _policy(origin)})


def _policy(origin: str) -> str:
    """Nothing in it, and Entra's pages may frame it. Where Entra is on loopback, its pages have a port of their own."""
    frames = "http://127.0.0.1:*" if is_loopback(urlsplit(origin).hostname) else origin
    return f"default-src 'none'; frame-ancestors {frames}"
