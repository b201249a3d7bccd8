"""What one measurement gives, percentiles, and medians of several measurements."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed, by nearest rank; `ordered` ascends.

    Raises ValueError where there are no values.
    """
    if not ordered:
        raise ValueError("no values")
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


@dataclass(frozen=True)
class Load:
    """Requests of several connections over a time. Seconds throughout; `cpu` is what the measured program used."""

    count: int
    errors: int
    seconds: float
    p50: float
    p95: float
    p99: float
    cpu: float | None = None

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds if self.seconds else 0.0

    @property
    def cpu_per_request(self) -> float | None:
        """Seconds of CPU per answer."""
        return None if self.cpu is None or not self.count else self.cpu / self.count

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def load_of(latencies: Sequence[float], errors: int, seconds: float, cpu: float | None = None) -> Load:
    """The figures of one measurement. Errors are answers other than 200, and broken connections."""
    ordered = sorted(latencies) or [math.nan]
    p50, p95, p99 = (percentile(ordered, share) for share in (0.50, 0.95, 0.99))
    return Load(len(latencies), errors, seconds, p50, p95, p99, cpu)


@dataclass(frozen=True)
class Summary:
    """Medians over the rounds of a measurement, errors summed. Seconds, and answers per second."""

    rate: float
    p50: float
    p95: float
    p99: float
    cpu_per_request: float | None
    errors: int


def summary(rounds: Sequence[Load]) -> Summary:
    """The median of each figure by itself, over at least one round."""
    cpu = [load.cpu_per_request for load in rounds if load.cpu_per_request is not None]
    return Summary(
        rate=statistics.median(load.rate for load in rounds),
        p50=statistics.median(load.p50 for load in rounds),
        p95=statistics.median(load.p95 for load in rounds),
        p99=statistics.median(load.p99 for load in rounds),
        cpu_per_request=statistics.median(cpu) if cpu else None,
        errors=sum(load.errors for load in rounds),
    )
