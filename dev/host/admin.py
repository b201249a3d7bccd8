"""The host's own endpoints under /admin that a developer needs: the ping, and running a timer by hand.

Sources: Azure/azure-functions-host HostController.cs, FunctionsController.cs; Azure/azure-webjobs-sdk-extensions
TimerInfo.cs, CronSchedule.cs, TimerTriggerBinding.cs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.types import Receive

from dev.host import request, worker
from dev.host.messages import TypedData
from dev.host.response import Response

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_BODY_LIMIT = 1 << 20  # bytes


class Admin:
    """Answers under /admin.

    Azure asks for the master key; here any web page could reach the port, so Host and Origin are checked.
    """

    def __init__(self, functions: Sequence[worker.Function]) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._runs: set[asyncio.Task[object]] = set()

    async def answer(self, method: str, path: str, headers: dict[str, str], receive: Receive) -> Response | None:
        """The answer, or None for a path that no controller claims: it falls through to the functions."""
        folded = path.lower().removesuffix("/")
        if folded == "/admin/host/ping":
            return Response(200) if method in ("GET", "POST") else None
        name = folded.removeprefix("/admin/functions/")
        if name == folded or not name or "/" in name or method != "POST":
            return None
        if not _is_local(headers):
            return Response(401)
        try:
            return self._run(name, await request.body(headers, receive, _BODY_LIMIT))
        except request.BodyTooLarge:
            return Response(400)

    def _run(self, name: str, body: TypedData) -> Response:
        function = self._functions.get(name)
        if function is None:
            return Response(404)
        if not _is_invocation(body) or function.trigger["type"] != "timerTrigger":
            return Response(400)
        metadata = {"TimerTrigger": TypedData(string=datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S"))}
        run = asyncio.create_task(
            worker.invoke(function, TypedData(json=_timer_info()), request.trace_parent({}), metadata)
        )
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return Response(202)


def _is_local(headers: dict[str, str]) -> bool:
    host = headers.get("host", "")
    origin = headers.get("origin")
    try:
        if urlsplit(f"//{host}").hostname not in _LOOPBACK:
            return False
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:  # neither is an authority
        return False


def _is_invocation(body: TypedData) -> bool:
    """FunctionsController.cs: a JSON object, which may have an `input`; for a timer its text is ignored."""
    try:
        return isinstance(json.loads(body.value if isinstance(body.value, bytes) else b""), dict)
    except ValueError:
        return False


def _timer_info() -> str:
    """TimerInfo as the host serialises it, for a timer that never ran; a run by hand is never past due."""
    return json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False})
