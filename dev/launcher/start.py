"""From any Python to Drawbridge's own environment: the first half of every command. Keeps to Python 3.6."""

import hashlib
import os
import subprocess
import sys
from typing import List, Mapping, Optional

from dev.launcher import pythons

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

COMMANDS = ("run", "test", "check", "host", "sessions", "settings", "package", "doctor", "bench", "storm")
USAGE = """usage: python3 dev COMMAND ...

  run    [--port N]                   start everything on this machine and print one address
  test   [--no-browser] [pytest ...]  run every test
  check                               ruff, mypy, the architecture, the documentation, the templates
  host   --port N [...]               serve the app alone, with the settings of the environment or local.settings.json
  sessions list|end --user WHOM       see or end one person's sessions, in the table that the settings name
  settings [--tenant ID --client-id ID]    write local.settings.json, for the sandbox or a real tenant
  package [--into FOLDER]             build what is deployed: the app, its dependencies for Linux, and byte code
  doctor [--url URL] [--azure GROUP SITE]  what is wrong with this machine or a deployment, and how to mend it
  bench  [...]                        measure; prints tables
  storm  [--runs NAMES] [--scale N]   races, deaths and wrong clocks by the thousand; prints what held

`python3 dev COMMAND --help` says more."""


def main(arguments: List[str]) -> int:
    """Runs one command; returns the exit code. Never ends in a traceback for what a person can put right."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if arguments else 2
    if arguments[0] not in COMMANDS:
        print("There is no command {!r}; there are {}.".format(arguments[0], ", ".join(COMMANDS)), file=sys.stderr)
        return 2
    if is_inside():
        from dev.launcher import commands

        return commands.main(arguments)
    if is_installed():
        return hand_over(venv_python(), arguments)
    try:
        if sys.version_info < pythons.OLDEST or not can_install():
            return hand_over(pythons.find(sys.executable, os.environ).path, arguments)
    except pythons.NoPython as problem:
        print(problem, file=sys.stderr)
        return 1
    from dev.launcher import environment

    code = environment.install_for_person()
    return code or hand_over(venv_python(), arguments)


def is_inside() -> bool:
    """Whether this very process is the environment's own Python, completely installed."""
    return os.path.realpath(sys.prefix) == os.path.realpath(venv()) and is_installed()


def can_install() -> bool:
    """Whether this Python is one that the finder would choose."""
    answer = pythons.probe([sys.executable], pythons.ask)
    return answer is not None and answer.complete


def is_installed(root: str = ROOT) -> bool:
    """Whether the environment is complete and made from the lock file as it is now, in this place."""
    try:
        with open(stamp_file(root), encoding="utf-8") as stamp:
            return stamp.read() == wanted_stamp(root) and os.path.exists(venv_python(root))
    except OSError:
        return False


def wanted_stamp(root: str = ROOT) -> str:
    """What the stamp must say: the lock's hash, and where the clone lies, since an environment cannot be moved."""
    with open(lock_file(root), "rb") as lock:
        return "{}\n{}\n".format(hashlib.sha256(lock.read()).hexdigest(), root)


def lock_file(root: str = ROOT) -> str:
    """What is installed: names, versions, hashes."""
    return os.path.join(root, "dev", "requirements.txt")


def venv(root: str = ROOT) -> str:
    """The environment's folder."""
    return os.path.join(root, ".drawbridge", "venv")


def stamp_file(root: str = ROOT) -> str:
    """Written when the environment is complete."""
    return os.path.join(venv(root), "installed")


def venv_python(root: str = ROOT) -> str:
    """The environment's interpreter, which is a link to the one it was made with: it goes when that goes."""
    return os.path.join(venv(root), *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


def hand_over(python: str, arguments: List[str], environment: Optional[Mapping[str, str]] = None) -> int:
    """Goes on as `PYTHON dev ARGUMENTS`, in this very process where the system can: signals, exit code stay right."""
    command = [python, os.path.join(ROOT, "dev", "__main__.py")] + arguments
    cleaned = pythons.without_foreign(os.environ if environment is None else environment)
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        return subprocess.call(command, env=cleaned)
    os.execve(python, command, cleaned)
