"""Starts Azurite and waits until it answers; ends it with the block."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.azurite import node
from dev.launcher import children
from dev.launcher.children import Child
from dev.launcher.terminal import Progress

# The emulator's one account and key, the same everywhere, no secret (Azurite's README, "Default Storage Account").
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_LISTENING = re.compile(r"(Blob|Queue|Table) service is successfully listening at https?://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Azurite:
    """A running Azurite."""

    child: Child
    blob_port: int
    queue_port: int
    port: int  # of the table service

    @property
    def connection_string(self) -> str:
        """What the app takes as SESSION_STORE."""
        blobs, tables = (f"http://127.0.0.1:{port}/{ACCOUNT}" for port in (self.blob_port, self.port))
        account = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY}"
        return f"{account};BlobEndpoint={blobs};TableEndpoint={tables};"


@dataclass(frozen=True)
class AzuriteOptions:
    """Ports 0 mean any free one. No folder: all in memory, gone at the end.

    `access_log` writes one line for each request into the log. `certificate` is the files of a certificate and its
    key: then all is https, and takes the tokens of an identity too.
    """

    log: Path
    folder: Path | None = None
    blob_port: int = 0
    queue_port: int = 0
    table_port: int = 0
    access_log: bool = False
    certificate: tuple[Path, Path] | None = None


@contextmanager
def serve(options: AzuriteOptions, progress: Progress | None = None) -> Iterator[Azurite]:
    """Azurite, ready. Raises terminal.Stop where Node or its packages cannot be had or it does not start."""
    with launch(options, progress or Progress()) as child:
        yield Azurite(child, *child.wait_until(lambda: ports(child)))


def launch(options: AzuriteOptions, progress: Progress) -> Child:
    """Azurite, starting. What it needs is installed first."""
    program, azurite = node.ensure(progress)
    keep = ["--inMemoryPersistence"]
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        keep = ["--location", str(options.folder)]
    ports = ["--blobPort", options.blob_port, "--queuePort", options.queue_port, "--tablePort", options.table_port]
    # Clients send newer API versions than the emulator knows; it answers all of them the same way.
    quiet = ["--disableTelemetry", "--skipApiVersionCheck", *([] if options.access_log else ["--silent"])]
    files = map(str, options.certificate or ())
    tokens = [part for pair in zip(("--cert", "--key"), files, strict=False) for part in pair]
    tokens += ["--oauth", "basic"] if options.certificate else []
    command = [str(program), str(azurite), *quiet, *keep, *map(str, ports), *tokens]
    return Child("Azurite", command, options.log, children.bare_environment(os.environ))


def ports(child: Child) -> tuple[int, int, int] | None:
    """Where blobs, queues and tables are served, once all three have said so."""
    found = dict(_LISTENING.findall(child.output()))
    return (int(found["Blob"]), int(found["Queue"]), int(found["Table"])) if len(found) == 3 else None
