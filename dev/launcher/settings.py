"""The app's settings where the sandbox plays Entra and Graph."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from dev.sandbox import options
from shared import config


@dataclass(frozen=True)
class Upstreams:
    """Where the app finds Entra, Graph and its table, as their settings name them."""

    authority: str
    graph: str
    session_store: str


def for_sandbox(public_url: str, upstreams: Upstreams, key: str) -> dict[str, str]:
    """Every setting of the app. Those that are not needed are empty, so that local.settings.json fills none of them."""
    needed = {
        "ENTRA_CLIENT_ID": options.CLIENT_ID,
        "ENTRA_CLIENT_SECRET": options.CLIENT_SECRET,
        "ENTRA_AUTHORITY": upstreams.authority,
        "ENTRA_ALLOWED_TENANTS": "*",
        "GRAPH_ENDPOINT": upstreams.graph,
        "GRAPH_OPTIONAL_SCOPES": "Mail.ReadWrite Mail.Send Calendars.Read Contacts.Read MailboxSettings.Read",
        "PUBLIC_URL": public_url,
        "SESSION_STORE": upstreams.session_store,
        "SEALING_KEY": key,
        "PYTHON_THREADPOOL_THREAD_COUNT": "64",
        "AzureWebJobsDisableHomepage": "true",
        "AzureWebJobsStorage": upstreams.session_store,
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }
    return dict.fromkeys(config.SETTINGS, "") | needed


def new_sealing_key() -> str:
    """32 random bytes, base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def sealing_key(file: Path) -> str:
    """One key per clone, made on first use, so that sessions outlive a restart. Nobody else may read the file."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text("ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as made:
        made.write(new_sealing_key())
    return file.read_text("ascii")
