"""Scripted faults: which request is struck, and what happens to it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from dev.sandbox.call_log import Call

PLACES = (
    "discovery",
    "authorize",
    "token",
    "logout",
    "graph",
    "graph.me",
    "graph.messages",
    "graph.message",
    "identity",
    "vault",
    "vault.key",
    "vault.wrapkey",
    "vault.unwrapkey",
)


@dataclass(frozen=True)
class Action:
    """What is done. Keys combine; with `status`, `headers` or `body` the request is answered without being handled."""

    status: int | None = None
    headers: dict[str, str | list[str]] = field(default_factory=dict)
    """A list of values makes several header lines."""
    body: Any = None
    delay: float = 0.0
    """Seconds between handling and answering."""
    reset: Literal["before", "after"] | None = None
    """TCP RST instead of handling, or after handling instead of the answer."""
    cut: int | None = None
    """So many bytes of the body are sent under its full framing, then TCP RST."""
    drip: float | None = None
    """Seconds per byte of the body."""
    drip_headers: float | None = None
    """Seconds per byte from the status line on."""
    change: Any = None
    """RFC 7396 merge patch on the JSON answer."""
    id_token: dict[str, Any] | None = None
    """Merge patch on the claims of the id_token, before it is signed."""
    gzip_bomb: int | None = None
    """The answer is a gzip stream that decodes to so many bytes."""

    @property
    def answers_instead(self) -> bool:
        """Whether the request is not handled at all."""
        return self.status is not None or bool(self.headers) or self.body is not None

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Action:
        """Raises ValueError for an unknown key."""
        unknown = sorted(set(document) - {known.name for known in fields(cls)})
        if unknown or not document:
            raise ValueError(f"no such action: {', '.join(unknown) or '(none)'}")
        return cls(**document)


@dataclass
class Fault:
    """An action waiting for its requests. `times` None: until it is removed."""

    id: int
    where: str
    action: Action
    times: int | None
    match: dict[str, str | None]

    def strikes(self, call: Call) -> bool:
        """Whether this fault is meant for this call."""
        if self.times == 0 or not (call.where == self.where or call.where.startswith(f"{self.where}.")):
            return False
        return (
            self.match.get("person") in (None, call.person)
            and self.match.get("grant_type") in (None, call.form.get("grant_type"))
            and (self.match.get("path_contains") or "") in f"{call.raw_path}?{call.query}"
        )


class Faults:
    """The scripted faults, oldest first; a request is struck by the first that is meant for it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def reset(self) -> None:
        """Remove all."""
        self._faults.clear()

    def add(self, document: dict[str, Any]) -> int:
        """Script a fault; the result is its id. Raises ValueError for what nobody understands."""
        unknown = sorted(set(document) - {"where", "times", "match", "action"})
        if unknown:
            raise ValueError(f"no such key: {', '.join(unknown)}")
        if document.get("where") not in PLACES:
            raise ValueError(f"where is one of {', '.join(PLACES)}")
        match = document.get("match") or {}
        if set(match) - {"person", "grant_type", "path_contains"}:
            raise ValueError("match takes person, grant_type and path_contains")
        action = Action.from_json(document.get("action") or {})
        self._last_id += 1
        self._faults.append(Fault(self._last_id, document["where"], action, document.get("times", 1), match))
        return self._last_id

    def remove(self, fault_id: int) -> None:
        """Remove one; it need not be there."""
        self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def take(self, call: Call) -> Action | None:
        """The action for this call, if any; counts it as used."""
        for fault in self._faults:
            if fault.strikes(call):
                if fault.times is not None:
                    fault.times -= 1
                return fault.action
        return None
