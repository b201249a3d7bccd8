"""`GET api/messages` on warm sessions, beside the bare work and the bare Graph call, in one run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dev.bench import process_tree
from dev.bench.figures import Load, Summary, summary
from dev.bench.stage import Stage
from dev.bench.tables import microseconds, milliseconds, table
from dev.host.serving import RunningHost
from dev.launcher.terminal import Progress

CONCURRENCIES = (1, 16, 64)
DELAYS = (0.0, 0.020)  # seconds that Graph takes
PROCESSES = 2
GRAPH = "bare Graph call"
BARE = "bare work: point read + Graph call"
APP = "`GET api/messages`"
HEADS = ("what", "connections", "req/s", "p50 ms", "p95 ms", "p99 ms", "p50 / bare Graph", "CPU us/req", "errors")
_WARM_UP = 0.3  # seconds: opens connections, here and upstream


@dataclass(frozen=True)
class Cell:
    """One line of a table."""

    delay: float
    connections: int
    what: str
    figures: Summary


def measure(stage: Stage, running: RunningHost, seconds: float, rounds: int, progress: Progress) -> list[Cell]:
    """Every cell, each the median of so many rounds of so many seconds."""
    cells: list[Cell] = []
    for delay in DELAYS:
        stage.use_delay(delay)
        for connections in CONCURRENCIES:
            loads: dict[str, list[Load]] = {GRAPH: [], BARE: [], APP: []}
            with progress.step(f"Graph after {delay * 1e3:.0f} ms, {connections} at once"):
                for _ in range(rounds):
                    loads[GRAPH].append(_graph(stage, connections, seconds))
                    loads[BARE].append(_bare(stage, connections, seconds))
                    loads[APP].append(app(stage, running, connections, seconds))
            cells += [Cell(delay, connections, what, summary(found)) for what, found in loads.items()]
    return cells


def _graph(stage: Stage, connections: int, seconds: float) -> Load:
    question = {"port": stage.graph_port, "ca_file": str(stage.ca_file), "seconds": seconds}
    return Load(**stage.load.ask(question | {"requests": stage.graph_requests(connections)}))


def _bare(stage: Stage, connections: int, seconds: float) -> Load:
    people = [person.as_json() for person in stage.people[:connections]]
    return Load(**stage.bare.ask({"people": people, "seconds": seconds}))


def app(stage: Stage, running: RunningHost, connections: int, seconds: float, limit: int = 0) -> Load:
    """Load on the app, with the CPU that all its processes used meanwhile. `limit` ends it after so many answers."""
    question = {"port": running.port, "requests": stage.app_requests(connections)}
    stage.load.ask(question | {"seconds": _WARM_UP})
    pids = process_tree.tree(running.process.pid)
    before = process_tree.cpu_seconds(pids)
    load = Load(**stage.load.ask(question | {"seconds": seconds, "limit": limit}))
    return replace(load, cpu=process_tree.cpu_seconds(pids) - before)


def report(cells: list[Cell]) -> str:
    """One table for each time that Graph takes."""
    parts = []
    for delay in DELAYS:
        mine = [cell for cell in cells if cell.delay == delay]
        bare_graph = {cell.connections: cell.figures.p50 for cell in mine if cell.what == GRAPH}
        rows = [_row(cell, bare_graph[cell.connections]) for cell in mine]
        parts.append(f"### Graph answers after {delay * 1e3:.0f} ms\n\n{table(HEADS, rows)}")
    return "\n".join(parts)


def _row(cell: Cell, bare_graph: float) -> list[str]:
    figures = cell.figures
    return [
        cell.what,
        str(cell.connections),
        f"{figures.rate:.0f}",
        milliseconds(figures.p50),
        milliseconds(figures.p95),
        milliseconds(figures.p99),
        f"{figures.p50 / bare_graph:.2f}",
        microseconds(figures.cpu_per_request),
        str(figures.errors),
    ]
