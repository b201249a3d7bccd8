"""Storms over HTTP: many requests, in many processes, meet sessions whose access tokens have just expired."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from dev.bench.figures import percentile
from dev.bench.tables import milliseconds
from dev.sandbox.clock import AppClockFile
from dev.storm import history
from dev.storm.burst import Client, Reply
from dev.storm.ground import Ground, Host, Person, signed_in
from dev.storm.report import Row, Ticker, Violation
from dev.storm.upstream import LIFE
from shared.services import Services

EACH = 32
"""Requests at once for each process, of one session."""
PROCESSES = (2, 4, 8, 16)
SESSIONS_EACH = 31
"""Sessions that expire in the same moment, for each process: 500, near enough, at sixteen."""
AT_ONCE = 8
"""Requests at once for each process, where they are of many sessions."""
STEP = LIFE + 700
"""Seconds that pass between rounds: every token has expired by then, on clocks that differ by ten minutes too."""
OFFSETS = (-300.0, -60.0, 0.0, 60.0, 300.0)
"""By how many seconds processes' times of day are wrong, in turn."""
_WARM_EVERY = 10


@dataclass
class Storm:
    """Rounds over some processes. `services` are of a process whose clock is right and stands where the storm began;
    `wrong` says by how many seconds each one's time of day is off, `passed` how much time has passed.
    """

    ground: Ground
    hosts: Sequence[Host]
    client: Client
    services: Services
    wrong: list[float]
    passed: float
    grants: int = 0
    again: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def warm_up(self) -> None:
        """Have each process renew a session: what it imports for that takes seconds where all start at once."""
        while True:
            replies = self.client.ask([[signed_in(self.services).cookie] for _ in self.hosts])
            if all(reply.status == 200 for (reply,) in replies):
                return

    def patience(self) -> str:
        """Who had to come back."""
        return f", {len(self.again)} when asked again, {max(self.again)} times at most" if self.again else ""

    def expire(self) -> int:
        """Let a token's life pass for everybody. How far the table's log is then."""
        self.passed += STEP
        self.set_clocks()
        self.ground.asked(offset=self.passed, forget=True)
        return history.log_size(self.ground)

    def set_clocks(self) -> None:
        """Give each process the time that has passed, and its own error."""
        for host, wrong in zip(self.hosts, self.wrong, strict=True):
            host.clock.write(self.passed, wrong)

    def jump(self, chance: random.Random) -> None:
        """Let one process's time of day jump."""
        self.wrong[chance.randrange(len(self.wrong))] = chance.choice(OFFSETS)
        self.set_clocks()

    def ask(self, people: Sequence[Sequence[Person]]) -> dict[str, list[Reply]]:
        """One request for each of these people at each process, all at once; the answers by object id."""
        answers: dict[str, list[Reply]] = {}
        for asked, replies in zip(people, self.client.ask(_cookies(people)), strict=True):
            for person, reply in zip(asked, replies, strict=True):
                answers.setdefault(person.object_id, []).append(reply)
        return answers

    def check(self, people: Sequence[Person], answers: dict[str, list[Reply]], since: int) -> None:
        """One grant for each, and everybody got their own mail, where told so by coming back. Raises Violation."""
        granted = [call["person"] for call in self.ground.asked()]
        self.grants += len(granted)
        for person in people:
            replies, count = answers[person.object_id], granted.count(person.object_id)
            self.seconds += [reply.seconds for reply in replies]
            self.again += [reply.again for reply in replies if reply.again]
            wrong = [reply for reply in replies if (reply.status, reply.owner) != (200, person.owner)]
            if count != 1 or wrong:
                said = ", ".join(sorted({f"{reply.status} {reply.code or reply.owner}" for reply in wrong})) or "-"
                what = f"{count} grants, {len(wrong)} of {len(replies)} answers wrong ({said})"
                raise Violation(what, history.of(self.ground, person, self.hosts, since))


def _cookies(people: Sequence[Sequence[Person]]) -> list[list[str]]:
    return [[person.cookie for person in asked] for asked in people]


@contextmanager
def _storm(ground: Ground, processes: int, each: int, latency: float, *, skewed: bool = False) -> Iterator[Storm]:
    """`each` is how many requests a process gets at once. It has 64 threads, of which half may wait for one session."""
    wrong = [OFFSETS[number % len(OFFSETS)] if skewed else 0.0 for number in range(processes)]
    file = ground.clock_file("right")
    AppClockFile(file).write(ground.passed)
    services = ground.services(file)
    ground.asked(delay=latency, offset=ground.passed, forget=True)
    with ground.hosts(processes) as hosts:
        ports = [host.running.port for host in hosts]
        with closing(Client(ports, each, ground.cookie_name)) as client:
            storm = Storm(ground, hosts, client, services, wrong, ground.passed)
            storm.set_clocks()
            storm.warm_up()
            yield storm
            ground.advance(storm.passed)


def refresh_storm(
    ground: Ground,
    run: str,
    processes: int,
    rounds: int,
    latency: float,
    *,
    skew: random.Random | None = None,
) -> Row:
    """Requests on one session. With `skew`, the processes' times of day are wrong, and one jumps in every round."""
    living: list[float] = []
    with _storm(ground, processes, EACH, latency, skewed=skew is not None) as storm:
        person = signed_in(storm.services)
        everybody = [[person] * EACH] * processes
        ticker = Ticker(f"{run}, {processes} processes", rounds)
        for number in range(rounds):
            since = storm.expire()
            answers = storm.ask(everybody)
            storm.check([person], answers, since)
            if skew is not None:
                storm.jump(skew)
            if number % _WARM_EVERY == 0:
                living += [reply.seconds for reply in storm.ask(everybody)[person.object_id]]
            ticker.tick()
    held = (
        f"one grant a round, every answer the owner's{storm.patience()}; "
        f"while the token lives p99 is {milliseconds(percentile(sorted(living), 0.99))}"
    )
    shape = f"{processes} processes x {EACH} requests, one session"
    return Row(run, shape, rounds, storm.grants, ticker.seconds, held, storm.seconds)


def many_storms(ground: Ground, run: str, processes: int, rounds: int, latency: float) -> Row:
    """Sessions that expire in the same moment, each asked for in two processes at once."""
    with _storm(ground, processes, AT_ONCE, latency) as storm:
        people = [signed_in(storm.services) for _ in range(SESSIONS_EACH * processes)]
        shares = [people[number::processes] for number in range(processes)]
        # Both requests of a session are sent at about the same time.
        pairs = [zip(shares[number], shares[number - 1], strict=True) for number in range(processes)]
        asked = [[person for pair in of_one for person in pair] for of_one in pairs]
        ticker = Ticker(f"{run}, {processes} processes", rounds)
        for _ in range(rounds):
            since = storm.expire()
            storm.check(people, storm.ask(asked), since)
            ticker.tick()
    held = f"one grant for each session and round, every answer its owner's{storm.patience()}"
    shape = f"{processes} processes, {len(people)} sessions at the same moment, each in two processes"
    return Row(run, shape, rounds, storm.grants, ticker.seconds, held, storm.seconds)
