"""Finds a Python that can run Drawbridge: 3.13 or later, with venv, pip and ssl.

Keeps to Python 3.6: it runs under whatever Python the command was started with.
"""

import os
import shutil
import subprocess
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

OLDEST = (3, 13)
# Locked packages have wheels for these; a later Python is taken only where none of these is found.
TESTED = ((3, 13), (3, 14))

HOW_TO_GET_IT = "get it with `uv python install 3.13`, `pyenv install 3.13` or from python.org, then try again"

# Settings that would make another Python find the wrong files; none of them may follow us.
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "PYTHONUSERBASE", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")

PROBE = """
import os, sys
try:
    import ensurepip, ssl, venv
    complete = sys.implementation.name == "cpython" and "t" not in getattr(sys, "abiflags", "")
except ImportError:
    complete = False
home = getattr(sys, "_base_executable", None) or sys.executable
print("%d %d %d %s" % (sys.version_info[0], sys.version_info[1], complete, os.path.realpath(home)))
"""


class Python(NamedTuple):
    """An interpreter that answered: (major, minor), whether venv, pip and ssl are there, its real path."""

    version: Tuple[int, int]
    complete: bool
    path: str


class NoPython(Exception):
    """No Python 3.13 or later was found. The text is one line for the person at the keyboard."""


Ask = Callable[[List[str]], Optional[str]]


def without_foreign(environment: Mapping[str, str]) -> Dict[str, str]:
    """The environment without what belongs to another Python or virtual environment."""
    return {name: value for name, value in environment.items() if name not in FOREIGN}


def ask(command: List[str]) -> Optional[str]:
    """What the command prints, or None where it is missing, fails (as a pyenv shim does) or takes over 20 seconds."""
    environment = without_foreign(os.environ)
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode("utf-8", "replace").strip() if answer.returncode == 0 else None


def find(executable: str, environment: Mapping[str, str], ask: Ask = ask) -> Python:
    """The Python to use. `executable` is the one that runs now. Raises NoPython."""
    rejected: List[Python] = []
    later: List[Python] = []
    asked: Set[Tuple[str, ...]] = set()
    for command in candidates(executable, environment, ask):
        if tuple(command) in asked:
            continue
        asked.add(tuple(command))
        python = probe(command, ask)
        if python is None:
            continue
        if python.version in TESTED and python.complete:
            return python
        (later if python.version > OLDEST and python.complete else rejected).append(python)
    if later:
        return later[0]
    raise NoPython(explain(rejected))


def explain(rejected: List[Python]) -> str:
    """One line: what is needed, what was found instead, how to get it."""
    for python in rejected:
        if python.version >= OLDEST:
            return "{} has no venv, pip or ssl: on Debian and Ubuntu install python{}.{}-venv; or {}".format(
                python.path, python.version[0], python.version[1], HOW_TO_GET_IT
            )
    found = sorted({python.version for python in rejected})
    newest = "Python {}.{} is the newest here".format(*found[-1]) if found else "no Python answered"
    return "Drawbridge needs Python 3.13 or later; {}: {}".format(newest, HOW_TO_GET_IT)


def probe(command: List[str], ask: Ask) -> Optional[Python]:
    """Asks one interpreter who it is."""
    answer = ask(command + ["-c", PROBE])
    parts = (answer or "").split(" ", 3)
    if len(parts) != 4 or not all(part.isdigit() for part in parts[:3]):
        return None
    return Python((int(parts[0]), int(parts[1])), parts[2] == "1", parts[3])


def candidates(executable: str, environment: Mapping[str, str], ask: Ask) -> Iterator[List[str]]:
    """Commands that may be a fitting Python, likeliest and cheapest first."""
    yield [executable]
    path = environment.get("PATH", os.defpath)
    for name in ("python3.13", "python3.14", "python3", "python"):
        for found in every(name, path):
            yield [found]
    for found in pyenv_versions(environment):
        yield [found]
    uv_homes = [os.path.join(os.path.expanduser("~"), folder, "bin") for folder in (".local", ".cargo")]
    for uv in every("uv", os.pathsep.join([path] + uv_homes)):
        found_by_uv = ask([uv, "python", "find", "--no-project", ">=3.13"])
        if found_by_uv:
            yield [found_by_uv]
    launcher = shutil.which("py", path=path)
    if launcher and os.name == "nt":
        yield [launcher, "-3"]


def every(name: str, path: str) -> Iterator[str]:
    """Each program of that name on the search path: the first may be a shim that refuses."""
    for folder in path.split(os.pathsep):
        found = shutil.which(name, path=folder) if folder else None
        if found:
            yield found


def pyenv_versions(environment: Mapping[str, str]) -> Iterator[str]:
    """Interpreters that pyenv has installed, whether or not one of them is selected here; newest first."""
    root = environment.get("PYENV_ROOT") or os.path.join(os.path.expanduser("~"), ".pyenv")
    versions = os.path.join(root, "versions")
    for name in sorted(os.listdir(versions) if os.path.isdir(versions) else [], key=natural, reverse=True):
        for inside in (("bin", "python3"), ("python.exe",)):
            found = os.path.join(versions, name, *inside)
            if os.path.exists(found):
                yield found


def natural(name: str) -> List[Tuple[int, str]]:
    """Sort key by which 3.13.10 comes after 3.13.9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in name.split(".")]
