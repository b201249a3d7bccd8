"""`dev run`: Azurite, the sandbox and the local host, one address, and an end that leaves nothing behind."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from dev import certificates
from dev.azurite import serving
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

    @property
    def url(self) -> str:
        """The one address for people."""
        return f"http://localhost:{self.app}"


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Runs until Ctrl-C or SIGTERM (exit code 0), or until one of the three ends by itself (1). Raises Stop.

    `folder` keeps tables, keys and logs from one run to the next.
    """
    parser = argparse.ArgumentParser(prog="python3 dev run", description="Start everything on this machine.")
    parser.add_argument("--port", type=int, default=7071, help="where the app answers (default 7071)")
    parser.add_argument("--no-app", action="store_true", help="only what the app needs: it is served by `func start`")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.port <= 65535:
        parser.error("a port is between 1 and 65535")
    progress = Progress()
    try:
        with ending_on_signals(), alone(folder):
            return run(choose_ports(asked.port), folder, progress, with_app=not asked.no_app)
    except KeyboardInterrupt:
        progress.say("Stopped.")
        return 0


def choose_ports(app: int) -> Ports:
    """The app's port must be the one asked for, since its address is registered; the others take the next free ones.

    Raises Stop where the app's is taken.
    """
    if not ports.is_free(app):
        raise Stop(f"Port {app} is taken by another program: stop that, or choose another port with --port {app + 1}.")
    chosen = [app]
    for wanted in (7080, 7443, 10000, 10001, 10002):
        chosen.append(ports.first_free(wanted, chosen))
    return Ports(*chosen)


def run(where: Ports, folder: Path, progress: Progress, *, with_app: bool = True) -> int:
    """Starts everything, waits, ends everything. Returns 1 where something ended by itself."""
    with ExitStack() as stack:
        running = start_everything(where, folder, progress, stack, with_app=with_app)
        shown = (
            where.url if with_app else f"{where.url} (once `func start` runs, with what `python3 dev settings` wrote)"
        )
        progress.say(f"\n  {shown}\n\nCtrl-C stops everything. What each part says is in {folder / 'logs'}.")
        ended = first_to_end(running)
        print(f"\n{ended.obituary()}", file=sys.stderr)
        return 1


def start_everything(
    where: Ports, folder: Path, progress: Progress, stack: ExitStack, *, with_app: bool
) -> list[Child]:
    """Side by side; a line for each as it becomes ready. The first to be stopped comes last. Raises Stop."""
    logs = folder / "logs"
    environment = children.bare_environment(os.environ)
    certificates.ca_file(folder / "ca")
    (folder / "clock").unlink(missing_ok=True)  # every run starts at the real time
    azurite = stack.enter_context(serving.launch(azurite_options(where, folder), progress))
    sandbox = stack.enter_context(
        Child("The sandbox", sandbox_command(where, folder), logs / "sandbox.log", environment)
    )
    starting = {
        "Azurite": (azurite, lambda: serving.ports(azurite) is not None),
        "sandbox": (sandbox, lambda: "ready" in sandbox.output().splitlines()),
    }
    if with_app:
        environment |= app_settings(where, folder, serving.Azurite(azurite, where.blobs, where.queues, where.tables))
        host = stack.enter_context(Child("The app", host_command(where, folder), logs / "app.log", environment))
        starting["app"] = (host, lambda: "Listening on " in host.output())
    running = [child for child, _ in starting.values()]
    wait_for_all(starting, progress)
    return running


def wait_for_all(starting: dict[str, tuple[Child, Callable[[], bool]]], progress: Progress) -> None:
    """Waits for each, in the order in which they become ready. Raises Stop where one ends or needs over a minute."""
    while starting:
        for name, (child, is_ready) in list(starting.items()):
            if child.poll(is_ready):
                progress.done(name, time.monotonic() - child.started)
                del starting[name]
        time.sleep(0.02)


def azurite_options(where: Ports, folder: Path) -> serving.AzuriteOptions:
    """Tables for the app and blobs for timers under `func start`, kept from one run to the next."""
    return serving.AzuriteOptions(
        log=folder / "logs" / "azurite.log",
        folder=folder / "azurite",
        blob_port=where.blobs,
        queue_port=where.queues,
        table_port=where.tables,
    )


def sandbox_command(where: Ports, folder: Path) -> list[str]:
    """How the sandbox is started: it knows the app's addresses as Entra's app registration would."""
    token = secrets.token_hex(16)  # token_urlsafe may begin with a dash, which reads as an option
    page = folder / "sandbox-page.txt"
    page.write_text(f"http://127.0.0.1:{where.sandbox_http}/?token={token}\n", "ascii")
    page.chmod(0o600)
    return python(
        *("dev.sandbox", "--http-port", where.sandbox_http, "--https-port", where.sandbox_https),
        *("--ca-folder", folder / "ca", "--clock", folder / "clock", "--control-token", token),
        *("--redirect-uri", f"{where.url}/auth/callback", "--post-logout-uri", f"{where.url}/"),
        *("--front-channel-logout-uri", f"{where.url}/auth/front-channel-logout"),
    )


def host_command(where: Ports, folder: Path) -> list[str]:
    """How the local host is started."""
    ca = certificates.ca_file(folder / "ca")
    return python("dev.host", "--app", start.ROOT, "--port", where.app, "--ca", ca, "--clock", folder / "clock")


def app_settings(where: Ports, folder: Path, azurite: serving.Azurite) -> dict[str, str]:
    """What the app is told."""
    upstreams = settings.Upstreams(
        authority=f"https://localhost:{where.sandbox_https}/common",
        graph=f"http://127.0.0.1:{where.sandbox_http}/v1.0",
        session_store=azurite.connection_string,
    )
    return settings.for_sandbox(where.url, upstreams, settings.sealing_key(folder / "sealing-key"))


def python(module: str, *arguments: object) -> list[str]:
    """A module of ours as a program."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def first_to_end(running: list[Child]) -> Child:
    """Waits until one of them ends by itself."""
    while True:
        for child in running:
            if child.exit_code() is not None:
                return child
        time.sleep(0.2)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Two runs would write to the same tables and keys. Raises Stop where this clone runs already."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.name == "nt":
        yield
        return
    import fcntl

    with (folder / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Stop("`dev run` is running already in this clone: use that one, or stop it first.") from error
        yield


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
