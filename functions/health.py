"""GET, HEAD health/live and health/ready: whether the process runs, and whether it can serve."""

from __future__ import annotations

import azure.functions as func

from shared import errors, http
from shared.clock import Deadline
from shared.config import Config
from shared.services import LazyServices
from shared.token_store import SECONDS


def live(request: func.HttpRequest) -> http.Response:
    """200 as soon as the process answers, whatever its settings."""
    return http.json_answer({"status": "live"})


def ready(request: func.HttpRequest, provider: LazyServices) -> http.Response:
    """200 when the settings are right and storage answers; else 503 that says which is missing.

    Only a local run is told the names of wrong settings.
    """
    try:
        services = provider.get()
    except errors.NotConfigured as problem:
        if not Config.this_process_is_in_azure():
            problem.detail = f"{problem}."
        raise
    try:
        services.store.read("sessions", "ready", "ready", Deadline(services.clock, SECONDS))
    except errors.StorageUnavailable as problem:
        problem.detail = "The session table does not answer, or refuses this app."
        raise
    return http.json_answer({"status": "ready"})
