"""What the app's processes take of memory: after the start, and whether it grows under load."""

from __future__ import annotations

from dev.bench import latency, process_tree
from dev.bench.stage import LIVE, Stage, get
from dev.bench.tables import mebibytes, table
from dev.host.serving import RunningHost
from dev.launcher.terminal import Progress, Stop

HEADS = ("after", "all processes, MiB (PSS)", "largest process, MiB (PSS)")
_CONNECTIONS = 16
_MOST_SECONDS = 600.0


def measure(stage: Stage, running: RunningHost, requests: int, progress: Progress) -> str:
    """The table, for an app just started: as it is, after a tenth of `requests`, after all of them."""
    stage.use_delay(0)
    rows = []
    with progress.step(f"memory over {requests} requests"):
        get(running.port, LIVE)
        rows.append(_row("the start", running.process.pid))
        done = 0
        for goal in (requests // 10, requests):
            load = latency.app(stage, running, _CONNECTIONS, _MOST_SECONDS, goal - done)
            if load.errors:
                raise Stop(f"{load.errors} of {load.count} requests failed while memory was measured")
            done = goal
            rows.append(_row(f"{goal} requests", running.process.pid))
    return table(HEADS, rows)


def _row(name: str, pid: int) -> list[str]:
    each = [process_tree.memory([found]) for found in process_tree.tree(pid)]
    return [name, mebibytes(sum(each)), mebibytes(max(each))]
