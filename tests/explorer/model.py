"""What the actors share in one run, the table, Entra and the time, and what may become of each call.

Everything random (ETags, nonces, ids) gets a name that says who made it after having observed what. Two runs that
differ only in such values, or in the order of steps that nobody noticed, are then in the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from shared.clock import Deadline
from shared.token_store import Row, Table, Value
from tests.explorer.stage import Actor, Call, Outcome
from tests.fakes.clock import START as START
from tests.fakes.store import FakeStore

type Place = tuple[Table, str, str]
type Form = tuple[Hashable, ...]

_RANDOM_COLUMNS = frozenset({"sealed", "lease_id", "session", "number", "epoch", "wrapped"})


class Ids:
    """A small number for each different thing, the same for equal ones; shared by all runs of an exploration."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

    def of(self, thing: Hashable) -> int:
        return self._known.setdefault(thing, len(self._known))


@dataclass
class Time:
    """Seconds since the run began, the same for everybody; what each process takes for the date is its own affair."""

    passed: float = 0.0


@dataclass(frozen=True, slots=True)
class ActorClock:
    """The clocks of one process: its date is `skew` seconds ahead, its monotonic clock began some time or other."""

    time: Time
    skew: float
    monotonic_start: float

    def now(self) -> float:
        return START + self.time.passed + self.skew

    def monotonic(self) -> float:
        return self.monotonic_start + self.time.passed


def never(time: Time) -> Deadline:
    """A deadline that nothing misses."""
    return Deadline(ActorClock(time, 0.0, 0.0), 1e9)


@dataclass(slots=True)
class Step:
    """One line of a history."""

    actor: str
    words: str
    outcome: Outcome
    at: float
    answer: Row | Exception | str | None = None

    def __str__(self) -> str:
        line = f"{self.at:6.1f} s  {self.actor}  {self.words}"
        if self.outcome is not Outcome.DONE:
            line += f": {self.outcome.value}"
        elif isinstance(self.answer, Row) and "generation" in self.answer.properties:
            lease = self.answer.properties["lease_id"]
            line += f": generation {self.answer.properties['generation']!s}" + (f", {lease!s}" if lease else "")
        elif isinstance(self.answer, Exception):
            line += f": {type(self.answer).__name__}"
        elif isinstance(self.answer, str):
            line += f": {self.answer}"
        return line


@dataclass(frozen=True, slots=True)
class Write:
    """One change of one row, for whoever watches."""

    actor: Actor
    place: Place
    before: Row | None
    after: Row | None


@dataclass(slots=True)
class Late:
    """A write whose answer its sender has given up, and which the table has yet to see."""

    words: str
    maker: str
    actor: Actor
    apply: Callable[[], object]


@dataclass
class Model:
    """The shared world of one run. `rows` are what the table holds when it begins."""

    ids: Ids
    rows: Sequence[tuple[Table, Row]]
    watch: Callable[[Write], None]
    one_use: bool = False
    time: Time = field(default_factory=Time)
    table: FakeStore = field(default_factory=FakeStore)
    writes: int = 0
    steps: list[Step] = field(default_factory=list)
    faults: list[Outcome] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    redeemed: dict[str, int] = field(default_factory=dict)
    """How often each refresh token was redeemed."""
    issued: list[str] = field(default_factory=list)
    """Which tokens Entra has issued."""
    dead: dict[int, int] = field(default_factory=dict)
    """By actor: the generation whose grant Entra has told it is dead."""
    cookies: dict[int, str] = field(default_factory=dict)
    """What the browsers of sign-ins were given, by actor."""
    epochs: int = 0
    """How often somebody has signed out everywhere."""
    began: dict[int, int] = field(default_factory=dict)
    """By actor: how often that was before its first call was answered."""
    _names: dict[Hashable, str] = field(default_factory=dict)
    _forms: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, (table, row) in enumerate(self.rows):
            self.table.insert(table, row, never(self.time))
            self.name_row(table, self.table.rows[table, row.partition, row.key], f"before {number}")

    def name_row(self, table: Table, row: Row, maker: str) -> None:
        """Give names to what is new in a row."""
        self._names.setdefault((row.partition, row.key), f"the {table} row of {maker}")
        self._names.setdefault(row.etag, f"etag of {maker}")
        for column, value in row.properties.items():
            if column in _RANDOM_COLUMNS and value:
                self._names.setdefault(value, f"{column} of {maker}")

    def wrote(self, write: Write, maker: str) -> None:
        """Take note of a change."""
        self.writes += 1
        self.epochs += write.place[2] == "epoch"
        if write.after is not None:
            self.name_row(write.place[0], write.after, maker)
        self.watch(write)

    def answered(self, what: Row | Exception | str | None) -> None:
        """Note for a reader what the last call gave back."""
        if self.steps:
            self.steps[-1].answer = what

    def place_name(self, table: Table, partition: str, key: str) -> str:
        """What a reader of histories calls a place."""
        title = "the " + {"sessions": "session", "sessionindex": "index row", "keyring": "data key"}[table]
        if table == "sessionindex":
            return f"the {'epoch' if key == 'epoch' else 'index row'} of {_short(partition)}"
        known = self._names.get((partition, key))
        return f"{title} of {known.split(' of ')[1].split()[0]}" if known else f"a new {title[4:]}"

    def form(self, row: Row) -> int:
        """A number that is the same for rows that say the same."""
        known = self._forms.get(row.etag)
        if known is None:
            columns = tuple((name, self._form_of(name, row.properties[name])) for name in sorted(row.properties))
            known = self.ids.of((self._names[row.partition, row.key], self._names[row.etag], columns))
            self._forms[row.etag] = known
        return known

    def state(self) -> Form:
        """Everything shared that decides what can happen from here on."""
        rows = sorted(self.form(row) for row in self.table.rows.values())
        late = tuple(late.maker for late in self.late)
        faults = sorted(fault.name for fault in self.faults)
        return tuple(rows), tuple(sorted(self.redeemed.items())), self.time.passed, late, tuple(faults)

    def observed(self, actor: Actor, what: Hashable) -> None:
        """Note what an actor has learnt: all that its next steps can depend on."""
        actor.history = self.ids.of((actor.history, what, self.time.passed))
        self.began.setdefault(actor.number, self.epochs)

    def note(self, actor: Actor, call: Call, outcome: Outcome) -> None:
        """Write the history for a reader."""
        self.steps.append(Step(actor.name, call.words, outcome, self.time.passed))

    def _form_of(self, column: str, value: Value) -> Hashable:
        return self._names.get(value, "") if column in _RANDOM_COLUMNS and value else value


def _short(partition: str) -> str:
    """A partition of the index, for a reader."""
    return "the person" if partition.startswith("user.") else partition
