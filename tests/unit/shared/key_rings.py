"""Several processes with their key rings on one table and one vault, each with a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.clock import Deadline
from shared.keyring import Keyring
from shared.sealing import DataKey
from shared.token_store import Row
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore
from tests.fakes.vault import FakeVault

DAY = 86400
WEEK = 7 * DAY
MONTH = 30 * DAY


class Process:
    """One process. `seals` is what `Keyring.current` gives for a session that begins now."""

    def __init__(self, store: FakeStore, vault: FakeVault, now: float, ahead: float) -> None:
        self.clock = FakeClock(now + ahead)
        self.ring = Keyring(store, vault, self.clock)

    def deadline(self) -> Deadline:
        return Deadline(self.clock, 25.0)

    def seals(self, life: int = WEEK) -> DataKey:
        return self.ring.current(int(self.clock.now()) + life, self.deadline())

    def prunes(self) -> int:
        return self.ring.prune(self.deadline())

    def finds(self, key_id: str) -> DataKey | None:
        return self.ring.find(key_id, self.deadline())


@dataclass
class Site:
    """What the processes share. Time passes for all of them at once."""

    store: FakeStore = field(default_factory=FakeStore)
    vault: FakeVault = field(default_factory=FakeVault)
    processes: list[Process] = field(default_factory=list)
    now: float = FakeClock().now()

    def start(self, ahead: float = 0.0) -> Process:
        """A new process, whose clock is so many seconds ahead."""
        self.processes.append(Process(self.store, self.vault, self.now, ahead))
        return self.processes[-1]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for process in self.processes:
            process.clock.advance(seconds)

    def rotated(self, process: Process) -> DataKey:
        """Let a month pass, and the key become current that this process makes next."""
        self.advance(MONTH)
        process.seals(300)
        self.advance(600)
        return process.seals(300)

    def rows(self) -> list[Row]:
        """The rows of the keyring in the order of their ids."""
        return sorted((row for (table, *_), row in self.store.rows.items() if table == "keyring"), key=lambda r: r.key)

    def ids(self) -> list[str]:
        return [row.key for row in self.rows()]
