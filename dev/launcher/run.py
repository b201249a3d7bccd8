"""`dev run`: Azurite, the sandbox and the local host, one address, and an end that leaves nothing behind."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from dev.launcher import children, ports, settings, start
from dev.launcher.children import Child
from dev.launcher.terminal import Progress, Stop

FOLDER = Path(start.ROOT, ".drawbridge")


@dataclass(frozen=True)
class Ports:
    """Where everything listens."""

    app: int
    sandbox_http: int
    sandbox_https: int
    blobs: int
    queues: int
    tables: int


def main(arguments: list[str]) -> int:
    """Runs until Ctrl-C or SIGTERM (exit code 0), or until one of the three ends by itself (1). Raises Stop."""
    parser = argparse.ArgumentParser(prog="python3 dev run", description=__doc__)
    parser.add_argument("--port", type=int, default=7071, help="where the app answers (default 7071)")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.port <= 65535:
        parser.error("a port is between 1 and 65535")
    try:
        with ending_on_signals():
            return run(choose_ports(asked.port), Progress())
    except KeyboardInterrupt:
        return 0


def choose_ports(app: int) -> Ports:
    """The app's port must be the one asked for, since the address is registered with it; the others take the next free.

    Raises Stop where the app's is taken.
    """
    if not ports.is_free(app):
        raise Stop(f"Port {app} is taken by another program: stop that, or choose another port with --port {app + 1}.")
    chosen = [app]
    for wanted in (7080, 7443, 10000, 10001, 10002):
        chosen.append(ports.first_free(wanted, chosen))
    return Ports(*chosen)


def run(where: Ports, progress: Progress) -> int:
    """Starts everything, waits, ends everything. Returns 1 where something ended by itself."""
    with ExitStack() as stack:
        running = start_everything(where, progress, stack)
        url = f"http://localhost:{where.app}"
        progress.say(f"\n  {url}\n\nCtrl-C stops everything. Logs: {FOLDER / 'logs'}")
        ended = first_to_end(running)
        progress.say("")
        print(ended.obituary(), file=sys.stderr)
        return 1


def start_everything(where: Ports, progress: Progress, stack: ExitStack) -> list[Child]:
    """Azurite and the sandbox side by side, then the host; a line for each as it becomes ready. Raises Stop."""
    from dev import certificates
    from dev.azurite import serving

    logs = FOLDER / "logs"
    ca = certificates.ca_file(FOLDER / "ca")
    clock = FOLDER / "clock"
    clock.unlink(missing_ok=True)  # each run starts at the real time
    options = serving.AzuriteOptions(
        log=logs / "azurite.log",
        folder=FOLDER / "azurite",
        blob_port=where.blobs,
        queue_port=where.queues,
        table_port=where.tables,
    )
    azurite = stack.enter_context(serving.launch(options, progress))
    environment = children.bare_environment(os.environ)
    sandbox = stack.enter_context(
        Child("The sandbox", sandbox_command(where, clock), logs / "sandbox.log", environment)
    )
    storage = serving.ready(azurite)
    progress.done("Azurite", time.monotonic() - azurite.started)
    sandbox.wait_until(lambda: "ready" in sandbox.output().splitlines())
    progress.done("sandbox", time.monotonic() - sandbox.started)
    command = python("dev.host", "--app", start.ROOT, "--port", where.app, "--ca", ca, "--clock", clock)
    upstreams = settings.Upstreams(
        authority=f"https://localhost:{where.sandbox_https}/common",
        graph=f"http://127.0.0.1:{where.sandbox_http}/v1.0",
        session_store=storage.connection_string,
    )
    key = settings.sealing_key(FOLDER / "sealing-key")
    environment |= settings.for_sandbox(f"http://localhost:{where.app}", upstreams, key)
    host = stack.enter_context(Child("The local host", command, logs / "host.log", environment))
    host.wait_until(lambda: "Listening on " in host.output())
    progress.done("app", time.monotonic() - host.started)
    return [host, sandbox, azurite]


def sandbox_command(where: Ports, clock: Path) -> list[str]:
    """How the sandbox is started: it knows the app's addresses as Entra's app registration would."""
    url = f"http://localhost:{where.app}"
    return python(
        *("dev.sandbox", "--http-port", where.sandbox_http, "--https-port", where.sandbox_https),
        *("--ca-folder", FOLDER / "ca", "--clock", clock, "--control-token", secrets.token_hex(16)),
        *("--redirect-uri", f"{url}/auth/callback", "--post-logout-uri", url + "/"),
    )


def python(module: str, *arguments: object) -> list[str]:
    """A module of ours as a program."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def first_to_end(running: Sequence[Child]) -> Child:
    """Waits until one of them ends by itself."""
    while True:
        for child in running:
            if child.exit_code() is not None:
                return child
        time.sleep(0.2)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does; while everything is being ended, further ones change nothing."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    yield
