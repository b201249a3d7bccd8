"""Every request to the imitated services, in the order of arrival."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 200_000


@dataclass
class Call:
    """One request. `status` is None while it is unanswered, and for ever if the connection was reset instead."""

    n: int
    time: float
    where: str
    method: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    form: Mapping[str, str]
    person: str | None
    listener: str
    status: int | None = None


class CallLog:
    """The last calls, and counters over all of them."""

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        self.under_way = 0
        self._at_once: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        """Forget calls and counters, but not what is still under way."""
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._arrived = 0
        self._per_where: Counter[str] = Counter()
        self._per_grant_type: Counter[str] = Counter()
        self._most_at_once: Counter[str] = Counter()
        self.connections.clear()

    def begin(self, **details: Any) -> Call:
        """Record an arrival."""
        self._arrived += 1
        self.under_way += 1
        call = Call(n=self._arrived, time=time.time(), **details)
        self._calls.append(call)
        self._per_where[call.where] += 1
        if call.where == "token":
            self._per_grant_type[call.form.get("grant_type", "")] += 1
        if call.where.startswith("graph") and call.person:
            self._at_once[call.person] += 1
            self._most_at_once[call.person] = max(self._most_at_once[call.person], self._at_once[call.person])
        return call

    def end(self, call: Call) -> None:
        """Record that a call is over."""
        self.under_way -= 1
        if call.where.startswith("graph") and call.person:
            self._at_once[call.person] -= 1

    def graph_requests_at_once(self, person: str) -> int:
        """How many Graph requests of this person are under way."""
        return self._at_once[person]

    def since(self, n: int) -> list[dict[str, Any]]:
        """The kept calls with a number above n."""
        return [asdict(call) for call in self._calls if call.n > n]

    def stats(self) -> dict[str, Any]:
        """Counts per place, grant type and listener, and the most Graph requests at once per person."""
        return {
            "calls": dict(self._per_where),
            "token": dict(self._per_grant_type),
            "connections": dict(self.connections),
            "graph_at_once": dict(self._most_at_once),
        }
