"""What every request passes first: it is logged, struck by a fault if one is meant for it, and answered."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from dev.sandbox.answers import (
    Answer,
    changed,
    compressed,
    disconnected,
    scripted_answer,
    send_answer,
    send_faulty,
)
from dev.sandbox.call_log import Call
from dev.sandbox.faults import Action
from dev.sandbox.graph.api import raw_segments
from dev.sandbox.identity import api as identity
from dev.sandbox.world import World

_UNLOGGED = ("/_control", "/_static", "/favicon.ico")


def where_of(raw_path: str) -> str:
    """The place that a request goes to, in the words of the control endpoint."""
    path = re.sub("/+", "/", raw_path)
    if path.startswith("/v1.0/"):
        return _graph_place(raw_segments(path))
    if path.startswith("/keys/"):
        operation = path.rpartition("/")[2]
        return f"vault.{operation if operation in ('wrapkey', 'unwrapkey') else 'key'}"
    for ending, where in (
        ("/v2.0/.well-known/openid-configuration", "discovery"),
        ("/oauth2/v2.0/authorize", "authorize"),
        ("/oauth2/v2.0/token", "token"),
        ("/oauth2/v2.0/logout", "logout"),
        ("/discovery/v2.0/keys", "keys"),
        ("/discovery/instance", "instance"),
        (identity.PATH, "identity"),
    ):
        if path.endswith(ending):
            return where
    return "page"


def _graph_place(segments: list[str]) -> str:
    match segments:
        case ["me"]:
            return "graph.me"
        case ["me", "messages"] | ["me", "mailFolders", _, "messages"]:
            return "graph.messages"
        case ["me", "messages", _]:
            return "graph.message"
    return "graph.other"


class FrontDoor:
    """ASGI, around the application that imitates the services."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Control calls, style sheets and the front page go straight through."""
        raw_path: str = scope["raw_path"].decode("ascii")
        if raw_path == "/" or raw_path.startswith(_UNLOGGED):
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        call = self._begin(scope, raw_path, body)
        try:
            await self._serve(call, scope, body, receive, send)
        finally:
            self._world.calls.end(call)

    def _begin(self, scope: Scope, raw_path: str, body: bytes) -> Call:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) if is_form else {}
        scope["state"]["form"] = form
        return self._world.calls.begin(
            where=where_of(raw_path),
            method=scope["method"],
            raw_path=raw_path,
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            form=form,
            person=self._person(headers, form),
            listener=scope["state"]["connection"].listener.name,
        )

    def _person(self, headers: dict[str, str], form: dict[str, str]) -> str | None:
        grants = self._world.grants
        token = grants.access_token(headers.get("authorization", "").partition(" ")[2])
        if token is not None:
            return token.person.key
        grant = grants.code(form.get("code", "")) or grants.refresh_token(form.get("refresh_token", ""))
        return grant.sign_in.person.key if grant is not None else None

    async def _serve(self, call: Call, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        connection = scope["state"]["connection"]
        action = self._world.faults.take(call) or Action()
        if action.reset == "before":
            await self._world.pauses.pause(action.delay)
            connection.reset()
            await disconnected(receive)
            return
        scope["state"]["id_token_patch"] = action.id_token
        scope["state"]["where"] = call.where
        answer = scripted_answer(action) if action.answers_instead else await self._handle(call, scope, body)
        answer = changed(answer, action)
        if _wants_gzip(call) and not action.answers_instead:
            answer = compressed(answer)
        await self._world.pauses.pause(action.delay)
        if action.reset == "after":
            connection.reset()
            await disconnected(receive)
            return
        call.status = answer.status
        if action.cut is None and action.drip is None and action.drip_headers is None:
            await send_answer(answer, send)
        else:
            await send_faulty(answer, action, connection, receive, self._world.pauses)

    async def _handle(self, call: Call, scope: Scope, body: bytes) -> Answer:
        """Call the application and keep its answer. Entra accepts `//` in its paths, and MSAL sends it."""
        if not call.where.startswith("graph"):
            scope["path"] = re.sub("/+", "/", scope["path"])
        parts: list[Any] = []

        async def keep(message: Any) -> None:
            parts.append(message)

        async def replay() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, keep)
        content = b"".join(part.get("body", b"") for part in parts[1:])
        answer = Answer(parts[0]["status"], list(parts[0]["headers"]), content)
        return answer.without(b"content-length") if call.where.startswith("graph") else answer


def _wants_gzip(call: Call) -> bool:
    """Only Graph compresses."""
    return call.where.startswith("graph") and "gzip" in call.headers.get("accept-encoding", "")


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
