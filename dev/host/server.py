"""One serving process: loads the app, then serves it with uvicorn on a socket that already listens."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dev.host import app_services, host_json, logs, settings, worker
from dev.host.application import Application, NotRunning
from dev.host.options import HostOptions

REFUSED = 2  # exit code: what was asked for cannot be started
_KEEP_ALIVE = 130  # seconds, KestrelServerLimits.KeepAliveTimeout
_GRACE = 3  # seconds that requests under way get when the host stops

_logger = logging.getLogger("dev.host")


class _Protocol(HttpToolsProtocol):
    """A request that cannot be parsed gets Kestrel's answer (HttpProtocol.cs) in place of uvicorn's."""

    def send_400_response(self, msg: str) -> None:
        lines = "HTTP/1.1 400 Bad Request", "Content-Length: 0", "Connection: close", "Server: Kestrel"
        answer = "\r\n".join([*lines, f"Date: {formatdate(usegmt=True)}", "", ""])
        self.transport.write(answer.encode("ascii"))
        self.transport.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()


def serve(options: HostOptions, listener: socket.socket, on_listening: Callable[[], None]) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. `on_listening` is called once requests are accepted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop is a stop, whether by Ctrl-C or by `kill`
    try:
        os.environ.clear()
        os.environ.update(settings.merged(options.environment, options.app_folder))
        logs.configure(os.environ)
        application = _application(options)
    except settings.LocalSettingsInvalid as error:
        print(error, file=sys.stderr, flush=True)
        return REFUSED
    except app_services.SettingsInvalid as error:
        print(
            f"Settings are wrong ({len(error.faults)}); not started:",
            *error.faults,
            sep="\n  ",
            file=sys.stderr,
            flush=True,
        )
        return REFUSED
    except KeyboardInterrupt:
        return 0
    with suppress(KeyboardInterrupt):  # uvicorn stops at a signal, and raises it again when it has stopped
        _Server(_configuration(options, application), on_listening).run([listener])
    return 0


def _application(options: HostOptions) -> Application | NotRunning:
    try:
        configuration = host_json.read(options.app_folder)
    except host_json.HostJsonInvalid as error:
        _logger.error("The host cannot run, every request gets 503: %s", error)
        return NotRunning()
    try:
        functions = worker.load(options.app_folder)
    except worker.AppNotLoaded as error:
        _logger.error("The app has no functions, every route answers 404: %s", error, extra={"stack": error.trace})
        functions = []
    else:
        app_services.hand_over(options)
    return Application(functions, configuration, os.environ, imitate_front_end=options.front_end)


def _configuration(options: HostOptions, application: Application | NotRunning) -> uvicorn.Config:
    chain_file = key_file = None
    if options.certificate_folder:
        from dev.certificates import server_certificate  # only https needs `cryptography`

        chain_file, key_file = server_certificate(options.certificate_folder)
    return uvicorn.Config(
        application,
        http=_Protocol,
        loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=chain_file,
        ssl_keyfile=key_file,
    )
