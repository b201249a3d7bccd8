"""An imitation of Azure's front end, and of the host's own fix-ups behind it.

Sources: Azure/azure-functions-host AppServiceHeaderFixupMiddleware.cs and issue 3998 (%2F); MicrosoftDocs/azure-docs
functions-bindings-http-webhook-trigger.md (230 seconds).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from starlette.types import Scope

from dev.host import paths
from dev.host.response import Response

TIME_LIMIT = 230.0  # seconds


def forwarded(scope: Scope) -> Scope:
    """`scope` as it reaches the function app: %2F decoded, forwarding headers added, Host and scheme from them."""
    headers: list[tuple[bytes, bytes]] = list(scope["headers"])
    given = dict(headers)
    client = "{}:{}".format(*scope["client"]).encode("ascii")
    before = given.get(b"x-forwarded-for")
    headers = [header for header in headers if header[0] not in (b"x-forwarded-for", b"host")]
    headers.append((b"x-forwarded-for", before + b", " + client if before else client))
    if b"x-forwarded-proto" not in given:
        headers.append((b"x-forwarded-proto", scope["scheme"].encode("ascii")))
    if b"disguised-host" not in given:
        headers.append((b"disguised-host", given.get(b"host", b"")))
    headers.append((b"host", given.get(b"disguised-host", given.get(b"host", b""))))
    scheme = given.get(b"x-forwarded-proto", scope["scheme"].encode("ascii")).split(b",")[0].strip().decode("latin-1")
    return {
        **scope,
        "raw_path": paths.with_decoded_slashes(scope["raw_path"]),
        "headers": headers,
        "scheme": "https" if scheme == "https" else "http",
    }


async def within_time_limit(answer: Coroutine[None, None, Response], limit: float = TIME_LIMIT) -> Response:
    """`answer`, or 502 after `limit` seconds; the function goes on, as it does behind the load balancer."""
    running = asyncio.ensure_future(answer)
    done, _ = await asyncio.wait((running,), timeout=limit)
    return running.result() if done else Response(502)
