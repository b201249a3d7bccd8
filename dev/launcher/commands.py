"""The commands, inside the environment: each is a module with `main(arguments) -> exit code`."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

from dev.launcher import start
from dev.launcher.terminal import Stop

OURS = {
    "run": "dev.launcher.run",
    "test": "dev.launcher.test",
    "check": "dev.launcher.check",
    "sessions": "dev.sessions",
    "settings": "dev.settings",
}
PROGRAMS = {
    "host": "dev.host",
    "package": "dev.package",
    "doctor": "dev.doctor",
    "bench": "dev.bench",
    "storm": "dev.storm",
}


def main(arguments: list[str]) -> int:
    """Runs one command and returns its exit code."""
    command, *rest = arguments
    if command in PROGRAMS:
        return become(PROGRAMS[command], ["--app", start.ROOT, *rest] if command == "host" else rest)
    try:
        code: int = importlib.import_module(OURS[command]).main(rest)
    except Stop as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def become(module: str, arguments: list[str]) -> int:
    """Goes on as `python -m MODULE ARGUMENTS`, in the caller's folder.

    The environment's drawbridge.pth leads to the module; -P keeps the caller's folder off the path.
    """
    command = [sys.executable, "-P", "-m", module, *arguments]
    if os.name == "nt":
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(sys.executable, command)
