"""What one run of the local host is asked to do, and its form on the command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_CLONE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class HostOptions:
    """One run of the local host.

    `port` 0 takes a free one. `environment` is the whole environment of the app, before the app's local.settings.json
    fills the gaps. `certificate_folder` holds the CA whose server certificate serves https; None serves http.
    `ca_file` is trusted for the app's loopback upstreams, `clock_file` moves the app's clock. `front_end` imitates
    Azure's front end. `check_settings` off starts the app even when its settings are wrong, as Azure does.
    """

    app_folder: Path
    port: int = 0
    processes: int = 1
    certificate_folder: Path | None = None
    ca_file: Path | None = None
    clock_file: Path | None = None
    front_end: bool = False
    check_settings: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def scheme(self) -> str:
        return "https" if self.certificate_folder else "http"

    def arguments(self) -> list[str]:
        """The command line that asks for this run; `environment` is not part of it."""
        words = ["--app", str(self.app_folder), "--port", str(self.port), "--processes", str(self.processes)]
        for name, path in (("--tls", self.certificate_folder), ("--ca", self.ca_file), ("--clock", self.clock_file)):
            if path is not None:
                words += [name, str(path)]
        if self.front_end:
            words.append("--front-end")
        if not self.check_settings:
            words.append("--unchecked-settings")
        return words


def parse(arguments: Sequence[str]) -> HostOptions:
    """Read a command line; paths become absolute. Leaves with exit code 2 and one line when it makes no sense."""
    parsed = _parser().parse_args(arguments)
    if not (parsed.app / "host.json").is_file():
        _parser().error(f"{parsed.app} holds no host.json, so it is not the folder of a Functions app")
    return HostOptions(
        app_folder=parsed.app,
        port=parsed.port,
        processes=parsed.processes,
        certificate_folder=parsed.tls,
        ca_file=parsed.ca,
        clock_file=parsed.clock,
        front_end=parsed.front_end,
        check_settings=not parsed.unchecked_settings,
        environment=dict(os.environ),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev host", description="Serve a Functions app through the platform's own worker library."
    )
    parser.add_argument(
        "--app",
        type=_path,
        default=_CLONE,
        metavar="FOLDER",
        help="folder of the Functions app (default: this clone)",
    )
    parser.add_argument(
        "--port", type=_port, default=7071, metavar="N", help="port on 127.0.0.1, 0 for a free one (default 7071)"
    )
    parser.add_argument(
        "--processes", type=_processes, default=1, metavar="N", help="worker processes that share the port"
    )
    parser.add_argument(
        "--tls", type=_path, metavar="FOLDER", help="serve https with the certificate of the CA in this folder"
    )
    parser.add_argument(
        "--ca", type=_path, metavar="FILE", help="CA to trust, in addition, for upstreams on this machine"
    )
    parser.add_argument(
        "--clock",
        type=_path,
        metavar="FILE",
        help="file whose two little-endian doubles (seconds) move the app's clock",
    )
    parser.add_argument(
        "--front-end",
        action="store_true",
        help="imitate Azure's front end: %%2F decoded, X-Forwarded-*, 502 after 230 s",
    )
    parser.add_argument(
        "--unchecked-settings", action="store_true", help="start although settings are wrong, as Azure does"
    )
    return parser


def _path(text: str) -> Path:
    return Path(text).resolve()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is between 0 and 65535")
    return port


def _processes(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 10:  # the platform's own bounds for FUNCTIONS_WORKER_PROCESS_COUNT, RpcWorkerConfigFactory.cs
        raise argparse.ArgumentTypeError("between 1 and 10 processes")
    return count
