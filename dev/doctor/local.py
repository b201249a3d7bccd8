"""Checks of this machine: what `dev run` and `func start` need."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path

from dev.doctor.browsing import Browser, Unreachable
from dev.doctor.verdicts import Verdict, ok, unknown, warning, wrong
from dev.host.settings import LocalSettingsInvalid, merged
from dev.launcher import ports
from shared.clock import Clock, Deadline
from shared.config import Config
from shared.errors import DrawbridgeError, NotConfigured
from shared.services import Services

PORTS = {7071: "the app", 7080: "the sandbox's pages", 7443: "the sandbox's back channel", 10002: "Azurite's tables"}
MOST_SKEW = 300.0  # seconds; Entra and the app allow as much


type Build = Callable[[Config, Clock, str | None], Services]


def examine(
    app_folder: Path, environment: Mapping[str, str], clock: Clock, browser: Browser, build: Build
) -> Iterator[Verdict]:
    """Every check of this machine, with the settings of the environment and local.settings.json."""
    yield from _programs(environment.get("PATH", ""))
    yield port_verdict(PORTS)
    try:
        settings = merged(environment, app_folder)
    except LocalSettingsInvalid as problem:
        yield wrong("settings", str(problem), "mend it, or write a new one: python3 dev settings")
        return
    if not settings.get("ENTRA_CLIENT_ID"):
        yield ok("settings", "none here; `python3 dev run` brings its own")
        return
    try:
        config = Config.from_environment(settings)
    except NotConfigured as problem:
        for fault in problem.faults:
            yield wrong("settings", fault, "see the table of settings in the README")
        return
    yield ok("settings", "complete")
    yield from _storage(build(config, clock, None), clock)
    yield from _time(config, clock, browser)


def _programs(path: str) -> Iterator[Verdict]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield ok("python", f"{version} at {sys.prefix}")
    node = shutil.which("node", path=path)
    if node:
        yield ok("node", node)
    else:
        yield ok("node", "not on PATH; `python3 dev run` installs one of its own")
    func = shutil.which("func", path=path)
    if func:
        yield ok("core tools", func)
    else:
        fix = "install azure-functions-core-tools 4 for `func start` and `func azure functionapp publish`"
        yield warning("core tools", "func is not on PATH; `python3 dev run` does without", fix)


def port_verdict(uses: Mapping[int, str]) -> Verdict:
    """Whether the ports are free; what each is for."""
    taken = [f"{port} ({use})" for port, use in uses.items() if not ports.is_free(port)]
    if taken:
        fix = "another run of this project, perhaps; stop it, or name another port: python3 dev run --port N"
        return warning("ports", "in use: " + ", ".join(taken), fix)
    return ok("ports", "free: " + ", ".join(map(str, uses)))


def _storage(services: Services, clock: Clock) -> Iterator[Verdict]:
    """One read of the session table, and one key to seal with."""
    deadline = Deadline(clock, 10.0)
    try:
        services.store.read("sessions", "doctor", "doctor", deadline)
    except DrawbridgeError as problem:
        fix = "start Azurite (python3 dev run does), or give this account Storage Table Data Contributor on the tables"
        yield wrong("storage", f"the session table does not answer ({problem.code})", fix)
        return
    yield ok("storage", "the session table answers")
    try:
        services.keyring.current(int(clock.now()) + 60, deadline)
    except DrawbridgeError as problem:
        fix = "compare SEALING_KEY_ID with the vault, and give this account wrap and unwrap on the key"
        yield wrong("keys", f"the key ring cannot be opened ({problem.code})", fix)
        return
    yield ok("keys", "the key ring opens")


def _time(config: Config, clock: Clock, browser: Browser) -> Iterator[Verdict]:
    """Entra's own clock, as it stands in the Date of its answers."""
    try:
        answer = browser.send("GET", f"{config.authority}/v2.0/.well-known/openid-configuration")
        theirs = parsedate_to_datetime(answer.header("date")).timestamp()
    except (Unreachable, ValueError, TypeError) as problem:
        yield unknown(
            "entra", f"{config.authority} gives no answer: {problem}", "check the network, and ENTRA_AUTHORITY"
        )
        return
    skew = abs(theirs - clock.now())
    if answer.status != 200:
        yield wrong("entra", f"discovery answers {answer.status}", "ENTRA_AUTHORITY names no tenant that Entra knows")
    elif skew > MOST_SKEW:
        yield wrong("clock", f"{skew:.0f} s away from Entra's", "set the clock of this machine")
    else:
        yield ok("clock", f"within {skew:.0f} s of Entra's")


def ca_file(app_folder: Path) -> str | None:
    """The sandbox's authority, where there is one: trusted here for loopback alone."""
    file = app_folder / ".drawbridge" / "ca" / "authority" / "ca.pem"
    return str(file) if file.is_file() and os.access(file, os.R_OK) else None
