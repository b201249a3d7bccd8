"""How long the app takes to start, with byte code and without, and what importing it takes of that."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass

from dev.bench.stage import LIST, LIVE, Stage, get
from dev.bench.tables import table
from dev.launcher import children, start
from dev.launcher.terminal import Progress, Stop

HEADS = ("seconds, medians", "with byte code", "without")
_IMPORT = """
import time
began = time.perf_counter()
import azure.functions
library = time.perf_counter() - began
import function_app
print(library, time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Start:
    """Seconds from the start of the process; `library` and `import_` from the first import on."""

    live: float
    mail: float
    library: float
    import_: float


def measure(stage: Stage, rounds: int, progress: Progress) -> tuple[Start, Start]:
    """(with byte code, without)."""
    stage.use_delay(0)
    with tempfile.TemporaryDirectory(prefix="drawbridge-bench-") as folder:
        warm = {"PYTHONPYCACHEPREFIX": folder}
        with progress.step("start with byte code"):
            _start(stage, warm)  # writes it
            with_code = _median([_start(stage, warm) for _ in range(rounds)])
    with tempfile.TemporaryDirectory(prefix="drawbridge-bench-") as folder:
        cold = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        with progress.step("start without byte code"):
            without = _median([_start(stage, cold) for _ in range(rounds)])
    return with_code, without


def _start(stage: Stage, variables: Mapping[str, str]) -> Start:
    library, import_ = _import(variables)
    began = time.perf_counter()
    with stage.app(1, variables) as running:
        _expect(get(running.port, LIVE))
        live = time.perf_counter() - began
        _expect(get(running.port, LIST, stage.cookie(stage.people[0])))
        return Start(live, time.perf_counter() - began, library, import_)


def _import(variables: Mapping[str, str]) -> tuple[float, float]:
    """Seconds that importing azure.functions takes, and the app with it, in a new interpreter."""
    environment = children.bare_environment(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ended = subprocess.run(
        [sys.executable, "-c", _IMPORT],
        cwd=start.ROOT,
        env=environment | dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    library, both = ended.stdout.split()
    return float(library), float(both)


def _expect(status: int) -> None:
    if status != 200:
        raise Stop(f"The app answered {status} after its start")


def _median(starts: list[Start]) -> Start:
    return Start(
        live=statistics.median(found.live for found in starts),
        mail=statistics.median(found.mail for found in starts),
        library=statistics.median(found.library for found in starts),
        import_=statistics.median(found.import_ for found in starts),
    )


def report(with_code: Start, without: Start) -> str:
    """The table of starts: one process, which loads the app as a worker process does."""
    lines = (
        ("process start to the first answer (health/live)", with_code.live, without.live),
        ("process start to the first mail answer", with_code.mail, without.mail),
        ("import function_app, azure.functions included", with_code.import_, without.import_),
        ("of that: azure.functions, which the worker has loaded before", with_code.library, without.library),
    )
    return table(HEADS, [(name, f"{first:.3f}", f"{second:.3f}") for name, first, second in lines])
