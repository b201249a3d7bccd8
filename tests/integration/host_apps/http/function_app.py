"""An app that shows what the host hands to a function, and gives back what it is asked for."""

from __future__ import annotations

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="plain", methods=["GET"])
def plain(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello", headers={"Set-Cookie": "plain=1; Path=/"})


@app.route(route="echo/{id?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route_params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="trivial", methods=["GET"])
def trivial(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")


@app.route(route="coroutine", methods=["GET"])
async def coroutine(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")
