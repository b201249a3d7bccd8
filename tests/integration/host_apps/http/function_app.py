"""An app that shows what the host hands to a function, and answers what it is told to answer."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import azure.functions as func
from werkzeug.datastructures import Headers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_together = threading.Barrier(int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "1")))


@app.route(route="echo/{id?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route_params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
        "trace_parent": context.trace_context.trace_parent,
        "invocation_id": context.invocation_id,
        "folder": str(Path.cwd()),
        "process": os.getpid(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="files/{*path}")
def files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(dict(req.route_params)))


@app.route(route="answer", methods=["POST", "HEAD"])
def answer(req: func.HttpRequest) -> func.HttpResponse:
    """Answers with the status, headers (a list of pairs) and body of the request's JSON."""
    wanted: dict[str, Any] = json.loads(req.get_body() or b"{}")
    response = func.HttpResponse(wanted.get("body", ""), status_code=wanted.get("status", 200))
    for name, value in wanted.get("headers", []):
        response.headers.add(name, value)
    return response


class _HostOnlyCookies(Headers):
    """The library feeds each value of get_all("Set-Cookie") to SimpleCookie, which takes mappings too: so Domain can
    be None.
    """

    def get_all(self, name: str) -> list[Any]:
        values = self.getlist(name)
        if name.lower() != "set-cookie":
            return values
        cookies = [SimpleCookie(value) for value in values]
        for morsel in (morsel for cookie in cookies for morsel in cookie.values()):
            dict.__setitem__(morsel, "domain", morsel["domain"] or None)
        return [dict(cookie) for cookie in cookies]


class _ResponseWithHostOnlyCookies(func.HttpResponse):
    def __init__(self, body: str) -> None:
        self._host_only = _HostOnlyCookies()
        super().__init__(body)

    @property
    def headers(self) -> Headers:
        return self._host_only


@app.route(route="host_only_cookie")
def host_only_cookie(req: func.HttpRequest) -> func.HttpResponse:
    response = _ResponseWithHostOnlyCookies("hello")
    response.headers.add("Set-Cookie", "__Host-Http-session=1; Path=/; Secure; HttpOnly; SameSite=Strict")
    return response


@app.route(route="raises")
def raises(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("on purpose\nwith a second line")


@app.route(route="returns_nothing")
def returns_nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None  # type: ignore[return-value]


@app.route(route="returns_text")
def returns_text(req: func.HttpRequest) -> str:
    return "hello"


@app.route(route="logs")
def logs(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("sample").warning("first line\nsecond line")
    return func.HttpResponse("logged")


@app.route(route="together")
def together(req: func.HttpRequest) -> func.HttpResponse:
    """Answers once as many calls are running as there are threads."""
    _together.wait(10)
    return func.HttpResponse("all at once")


@app.route(route="slow")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(60)
    return func.HttpResponse("late")


@app.route(route="async")
async def asynchronous(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("from a coroutine")


@app.route(route="admin_panel")
def route_like_admin(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("never")


@app.route(route="typed/{id:uuid}")
def unknown_constraint(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("never")
