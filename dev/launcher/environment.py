"""Makes .drawbridge/venv from dev/requirements.txt. Runs under the Python that was found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.launcher import pythons, start
from dev.launcher.terminal import Progress, Stop

Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]

# What pip, npm and the resolver below them say when nothing answers.
_UNREACHABLE = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ProxyError",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ENETUNREACH",
    "ETIMEDOUT",
)


def install_for_person() -> int:
    """Installs, telling what happens; returns 0, or 1 after one line that says what is wrong."""
    try:
        with locked(Path(start.ROOT, ".drawbridge")):
            if not start.is_installed():
                install(start.ROOT, Progress(), run_logged)
    except Stop as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The next start installs again from the beginning.", file=sys.stderr)
        return 130
    return 0


def install(root: str, progress: Progress, run: Run) -> None:
    """Makes the environment anew and stamps it last, so that one interrupted at any point is never taken for complete.

    Raises Stop.
    """
    home = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    venv, python, lock_file = Path(start.venv(root)), start.venv_python(root), Path(start.lock_file(root))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with progress.step(f"environment with Python {version}", f"making .drawbridge/venv with Python {version}"):
        Path(start.stamp_file(root)).unlink(missing_ok=True)  # first: removing the rest may be interrupted as well
        if venv.exists():
            shutil.rmtree(venv)
        expect(run([home, "-m", "venv", str(venv)]), "Python could not make a virtual environment")
    count = sum(1 for line in lock_file.read_text("utf-8").splitlines() if "==" in line)
    with progress.step(f"{count} packages", f"installing {count} packages into .drawbridge/venv, this once"):
        pip_install(python, lock_file, run)
        # On every core, where pip would use one. Without byte code every start would compile all of it again. Exit code
        # 1: some file is no valid Python, as some packages' templates are not.
        expect(run([python, "-m", "compileall", "-q", "-j", "0", str(venv / "lib")]), "Compiling failed", {0, 1})
    # With the clone on its path, `python -m dev.host` works from any folder, and the app inherits no PYTHONPATH.
    folder = venv / "Lib" if os.name == "nt" else venv / "lib" / f"python{version}"
    (folder / "site-packages" / "drawbridge.pth").write_text(f"{root}\n", "utf-8")
    Path(start.stamp_file(root)).write_text(start.wanted_stamp(root), "utf-8")


def pip_install(python: str, lock_file: Path, run: Run, failure: str = "Installing packages failed") -> None:
    """Installs exactly what a lock names: each file's hash checked, nothing built from source.

    Raises Stop, which begins with `failure`.
    """
    options = ["--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2", "--no-compile"]
    exact = ["--no-user", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement", str(lock_file)]
    expect(run([python, "-m", "pip", "install", *options, *exact]), failure)


def expect(ended: subprocess.CompletedProcess[str], failure: str, fine: set[int] | None = None) -> None:
    """Raises Stop with one line unless the program ended well."""
    if ended.returncode in (fine or {0}):
        return
    text = f"{ended.stdout or ''}\n{ended.stderr or ''}"
    if any(sign in text for sign in _UNREACHABLE):
        raise Stop(f"{failure}: no network. Only the first start needs one. Connect, then run the command again.")
    said = [line.strip() for line in text.splitlines() if line.strip()] or [f"exit code {ended.returncode}"]
    raise Stop(f"{failure}: {said[-1]} (the rest is in .drawbridge/logs/install.log)")


def run_logged(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs an installer without a terminal, and keeps all that it says in .drawbridge/logs/install.log."""
    logs = Path(start.ROOT, ".drawbridge", "logs")
    logs.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=installer_environment(),
        cwd=start.ROOT,
        check=False,
    )
    with (logs / "install.log").open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n{ended.stdout}{ended.stderr}exit code {ended.returncode}\n")
    return ended


def installer_environment() -> dict[str, str]:
    """The person's environment (proxies, mirrors and certificates stay) without what would install elsewhere."""
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIREMENT", "PIP_DRY_RUN", "PIP_NO_COMPILE")
    return {name: value for name, value in pythons.without_foreign(os.environ).items() if name not in elsewhere}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One installation at a time in this clone; another start waits, and then finds all done."""
    folder.mkdir(exist_ok=True)
    if os.name == "nt":
        yield
        return
    import fcntl

    with (folder / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("… another start is installing; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
