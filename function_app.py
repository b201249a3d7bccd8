"""The URL map: one thin function per route, and the timer. Importing it reads no setting and cannot fail.

The host tries routes in the order of function names and takes the first match, a wrong method is 404 there, and an
empty route would become the function's name: hence `{ignored:maxlength(0)?}` for the page at "/".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import azure.functions as func

from functions import (
    attachments,
    callback,
    events,
    folders,
    front_channel_logout,
    health,
    login,
    mark,
    message_body,
    messages,
    page,
    session,
    sign_out,
)
from functions import graph_gateway as gateway
from functions import purge_expired as purging
from shared import errors, http, log
from shared.config import Config
from shared.services import LazyServices, Services

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
services = LazyServices()

Handler = Callable[[func.HttpRequest, Services], http.Response]


def answered(request: func.HttpRequest, handler: Callable[[], http.Response]) -> func.HttpResponse:
    """Run a handler; whatever it raises becomes an answer of ours, and every answer gets its headers."""
    trace = http.trace_id(request)
    with log.traced(trace):
        try:
            answer = handler()
        except errors.DrawbridgeError as problem:
            answer = http.error_answer(problem, request, _config(), trace)
        except Exception as problem:  # noqa: BLE001 - the one place where the unexpected ends
            log.failure("internal_error", problem)
            answer = http.error_answer(errors.InternalError(), request, _config(), trace)
        return http.dressed(answer, _config(), trace)


def _config() -> Config | None:
    """The settings where they are known; asked after the handler, since the first request makes them."""
    made = services.made()
    return made.config if made else None


def served(request: func.HttpRequest, handler: Handler) -> func.HttpResponse:
    """Run a handler that needs the services."""
    return answered(request, lambda: handler(request, services.get()))


@app.route(route="auth/login", methods=["GET"])
def auth_login(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, login.login)


@app.route(route="auth/callback", methods=["GET", "HEAD"])
def auth_callback(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, callback.callback)


@app.route(route="auth/me", methods=["GET"])
def auth_me(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, session.me)


@app.route(route="auth/sessions", methods=["GET"])
def auth_sessions(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, session.list_sessions)


@app.route(route="auth/sessions", methods=["DELETE"])
def auth_sessions_end(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, session.end_sessions)


@app.route(route="auth/sessions/{number}", methods=["DELETE"])
def auth_session_end(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, session.end_session)


@app.route(route="auth/front-channel-logout", methods=["GET"])
def auth_front_channel_logout(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, front_channel_logout.front_channel_logout)


@app.route(route="auth/logout", methods=["GET"])
def auth_logout_confirm(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, sign_out.confirm)


@app.route(route="auth/logout", methods=["POST"])
def auth_logout(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, sign_out.sign_out)


@app.route(route="api/messages", methods=["GET"])
def api_messages(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, messages.list_messages)


@app.route(route="api/messages/{id}", methods=["GET"])
def api_message(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, messages.message)


@app.route(route="api/messages/{id}/body", methods=["GET"])
def api_message_body(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, message_body.message_body)


@app.route(route="api/messages/{id}/attachments", methods=["GET"])
def api_message_attachments(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, attachments.list_attachments)


@app.route(route="api/messages/{id}/attachments/{attachment_id}", methods=["GET"])
def api_message_attachment(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, attachments.attachment)


@app.route(route="api/folders", methods=["GET"])
def api_folders(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, folders.list_folders)


@app.route(route="api/messages/{id}", methods=["PATCH"])
def api_message_mark(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, mark.mark)


@app.route(route="api/events", methods=["GET"])
def api_events(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, events.list_events)


@app.route(route="graph/v1.0/{*path}", methods=["GET", "POST", "PATCH", "DELETE"])
def graph_gateway(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, gateway.gateway)


@app.route(route="health/live", methods=["GET", "HEAD"])
def health_live(req: func.HttpRequest) -> func.HttpResponse:
    return answered(req, lambda: health.live(req))


@app.route(route="health/ready", methods=["GET", "HEAD"])
def health_ready(req: func.HttpRequest) -> func.HttpResponse:
    return answered(req, lambda: health.ready(req, services))


@app.route(route="{ignored:maxlength(0)?}", methods=["GET", "HEAD"])
def inbox_page(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, lambda request, _: page.inbox(request))


@app.route(route="assets/{name}", methods=["GET", "HEAD"])
def inbox_page_asset(req: func.HttpRequest) -> func.HttpResponse:
    return served(req, lambda request, _: page.asset(request))


@app.timer_trigger(schedule="0 17 * * * *", arg_name="timer")
def purge_expired(timer: func.TimerRequest) -> None:
    with log.traced(secrets.token_hex(16)):
        purging.purge_expired(services)
