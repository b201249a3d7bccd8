"""The ASGI application: one request from the wire through routing and the worker to the answer.

The order is the host's (Azure/azure-functions-host WebJobsApplicationBuilderExtension.cs): server limits, admin
controllers, functions, home page, 404.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from dev.host import admin, front_end, paths, request, response, worker
from dev.host.cookies import CookieInvalid
from dev.host.host_json import HostJson
from dev.host.messages import StatusResult
from dev.host.request import BodyTooLarge, RequestRefused
from dev.host.response import Response, ResponseInvalid, Sender
from dev.host.routes import RouteTable, disabled_functions

_logger = logging.getLogger("dev.host")
_NOT_RUNNING = b"Function host is not running."  # HostAvailabilityCheckMiddleware.cs


class Application:
    """Serves the functions of one loaded app."""

    def __init__(
        self,
        functions: list[worker.Function],
        host_json: HostJson,
        environment: Mapping[str, str],
        *,
        imitate_front_end: bool,
    ) -> None:
        self._routes = RouteTable(functions, host_json.route_prefix, disabled_functions(environment))
        for name, reason in self._routes.errors.items():
            _logger.error("The '%s' function is in error: %s", name, reason)
        self._admin = admin.Admin(functions)
        self._sender = Sender(host_json.custom_headers)
        self._server = Sender({})
        self._home_page = environment.get("AzureWebJobsDisableHomepage", "").lower() not in ("1", "true")
        body_limit = environment.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "")
        self._body_limit = int(body_limit) if body_limit.isdecimal() else request.DEFAULT_BODY_LIMIT
        self._front_end = imitate_front_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if self._front_end:
                answer = await front_end.within_time_limit(self._answer(front_end.forwarded(scope), receive))
            else:
                answer = await self._answer(scope, receive)
        except RequestRefused as refused:  # by Kestrel, before any of the host's middleware
            answer = Response(refused.status, [("Connection", "close")])
            await self._server.send(answer, send, head=False, http_version=scope["http_version"])
            return
        await self._sender.send(answer, send, head=scope["method"] == "HEAD", http_version=scope["http_version"])

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        request.check_request_line(scope)
        headers = request.headers(scope)
        try:
            path = paths.decode(scope["raw_path"])
        except paths.PathInvalid:
            raise RequestRefused(400) from None
        method = scope["method"]
        if path.startswith("/admin/"):
            answer = await self._admin.answer(method, path, headers, receive)
            if answer is not None:
                return answer
        found = self._routes.find(method, path)
        if found is not None:
            return await self._invoke(*found, scope, path, headers, receive)
        return self._home() if path == "/" else Response(404)

    async def _invoke(
        self,
        function: worker.Function,
        params: Mapping[str, str],
        scope: Scope,
        path: str,
        headers: dict[str, str],
        receive: Receive,
    ) -> Response:
        query_string = scope["query_string"].decode("latin-1")
        url = request.url(scope["scheme"], headers.get("host", ""), path, query_string)
        try:
            body = await request.body(headers, receive, self._body_limit)
        except BodyTooLarge:
            return Response(500, [("Connection", "close")])
        data = request.rpc_http(scope["method"], url, headers, request.query(query_string), params, body)
        outcome = await worker.invoke(function, data, request.trace_parent(headers))
        answer = Response(200)
        if outcome.result.status != StatusResult.Success:
            return Response(500)
        try:
            response.from_worker(outcome.return_value, answer)
        except (ResponseInvalid, CookieInvalid) as error:
            _logger.error("The response of '%s' cannot be sent: %s", function.name, error)
            return response.failed(answer)
        return answer

    def _home(self) -> Response:
        """HomepageMiddleware.cs: any method, unless switched off."""
        if not self._home_page:
            return Response(204)
        return Response(
            200,
            [("Content-Type", "text/html")],
            b"<!doctype html><title>Functions</title><p>Your Functions app is up and running.",
        )


class NotRunning:
    """Stands in for the app when host.json cannot be used: 503 to everything (WebJobsScriptHostService.cs)."""

    def __init__(self) -> None:
        self._sender = Sender({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Response(503, [("Content-Type", "text/plain")], _NOT_RUNNING)
        await self._sender.send(answer, send, head=scope["method"] == "HEAD", http_version=scope["http_version"])
