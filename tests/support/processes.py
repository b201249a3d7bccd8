"""Which processes there are, as the system tells it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One living process; `command` is its whole command line."""

    pid: int
    parent: int
    command: str


def processes() -> list[Process]:
    """All that run now; zombies, which only wait to be counted, are left out."""
    if not Path("/proc/self/stat").exists():
        return _from_ps()
    found = (_from_proc(folder) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return [process for process in found if process is not None]


def _from_proc(folder: Path) -> Process | None:
    try:
        state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:  # it ended while we looked
        return None
    return None if state == "Z" else Process(int(folder.name), int(parent), command)


def _from_ps() -> list[Process]:
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    rows = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    split = (row.split(None, 3) for row in rows)
    return [Process(int(pid), int(parent), args) for pid, parent, state, args in split if not state.startswith("Z")]


def descendants(pid: int) -> list[Process]:
    """Every process that this one has started, and all that those have started."""
    everything = processes()
    found: dict[int, Process] = {}
    for _ in everything:
        new = {p.pid: p for p in everything if (p.parent == pid or p.parent in found) and p.pid not in found}
        if not new:
            break
        found |= new
    return list(found.values())


def all_end(pids: Iterable[int], seconds: float = 20) -> bool:
    """Waits until none of them runs; False when that takes longer."""
    wanted = set(pids)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not wanted & {process.pid for process in processes()}:
            return True
        time.sleep(0.05)
    return False
