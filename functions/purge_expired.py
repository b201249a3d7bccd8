"""The timer purge_expired: delete what has expired, rotate data keys, and say what was done."""

from __future__ import annotations

import logging
from dataclasses import asdict

from shared import errors, log
from shared.services import LazyServices


def purge_expired(provider: LazyServices) -> None:
    """One run. What fails is written down and not raised: the next run, an hour later, goes on where this one ended."""
    try:
        done = provider.get().purge.run()
    except errors.DrawbridgeError as problem:
        log.event("purge_failed", logging.ERROR, code=problem.code)
    except Exception as problem:  # noqa: BLE001 - the host would log its text
        log.failure("purge_failed", problem)
    else:
        log.event("purged", **asdict(done))
