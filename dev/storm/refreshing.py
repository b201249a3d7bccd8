"""Storms over HTTP: many requests, in many processes, meet sessions whose access tokens have just expired."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from dev.bench.figures import percentile
from dev.storm import history
from dev.storm.burst import Client, Reply
from dev.storm.ground import Ground, Host, Person, signed_in
from dev.storm.report import Row, Ticker, Violation
from dev.storm.upstream import LIFE

EACH = 32
"""Requests at once for each process, of one session."""
PROCESSES = (2, 4, 8, 16)
SESSIONS = 500
STEP = LIFE + 700
"""Seconds that pass between rounds: every token has expired by then, on clocks that differ by ten minutes too."""
OFFSETS = (-300.0, -60.0, 0.0, 60.0, 300.0)
"""By how many seconds processes' times of day are wrong, in turn."""
_WARM_EVERY = 10


@dataclass
class Storm:
    """Rounds over some processes. `wrong` says by how many seconds each one's time of day is."""

    ground: Ground
    hosts: Sequence[Host]
    client: Client
    wrong: list[float]
    passed: float = 0.0
    grants: int = 0
    seconds: list[float] = field(default_factory=list)

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
        """One grant for each, and everybody got their own mail, where told so by coming back once. Raises Violation."""
        granted = [call["person"] for call in self.ground.asked()]
        self.grants += len(granted)
        for person in people:
            replies, count = answers[person.object_id], granted.count(person.object_id)
            self.seconds += [reply.seconds for reply in replies]
            wrong = [reply for reply in replies if (reply.status, reply.owner) != (200, person.owner)]
            if count != 1 or wrong:
                said = ", ".join(sorted({f"{reply.status} {reply.code or reply.owner}" for reply in wrong})) or "-"
                what = f"{count} grants, {len(wrong)} of {len(replies)} answers wrong ({said})"
                raise Violation(what, history.of(self.ground, person, self.hosts, since))


def _cookies(people: Sequence[Sequence[Person]]) -> list[list[str]]:
    return [[person.cookie for person in asked] for asked in people]


@contextmanager
def _storm(ground: Ground, processes: int, each: int, latency: float, *, skewed: bool = False) -> Iterator[Storm]:
    """`each` is how many requests a process gets at once; twice as many threads leave room for all of them to wait."""
    wrong = [OFFSETS[number % len(OFFSETS)] if skewed else 0.0 for number in range(processes)]
    ground.asked(delay=latency, offset=0.0, forget=True)
    with ground.hosts(processes, 2 * each) as hosts:
        ports = [host.running.port for host in hosts]
        with closing(Client(ports, each, ground.cookie_name)) as client:
            storm = Storm(ground, hosts, client, wrong)
            storm.set_clocks()
            services = ground.now()
            # Each process renews one session first: what it imports for that takes seconds where all start at once.
            client.ask([[signed_in(services).cookie] for _ in hosts])
            yield storm


def refresh_storm(
    ground: Ground, run: str, processes: int, rounds: int, latency: float, skew: random.Random | None = None
) -> Row:
    """Requests on one session. With `skew`, the processes' times of day are wrong, and one jumps in every round."""
    person = signed_in(ground.now())
    everybody = [[person] * EACH] * processes
    living: list[float] = []
    with _storm(ground, processes, EACH, latency, skewed=skew is not None) as storm:
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
    held = f"one grant a round, every answer the owner's; p99 while the token lives: {_p99(living) * 1e3:.0f} ms"
    shape = f"{processes} processes x {EACH} requests, one session"
    return Row(run, shape, rounds, storm.grants, ticker.seconds, held, storm.seconds)


def many_storms(ground: Ground, run: str, processes: int, rounds: int, latency: float) -> Row:
    """Sessions that expire in the same moment, each asked for in two processes at once."""
    services = ground.now()
    people = [signed_in(services) for _ in range(SESSIONS)]
    shares = [people[number::processes] for number in range(processes)]
    asked = [shares[number] + shares[number - 1] for number in range(processes)]
    with _storm(ground, processes, max(map(len, asked)), latency) as storm:
        ticker = Ticker(f"{run}, {processes} processes", rounds)
        for _ in range(rounds):
            since = storm.expire()
            storm.check(people, storm.ask(asked), since)
            ticker.tick()
    held = "one grant for each session and round, every answer its owner's"
    shape = f"{processes} processes, {SESSIONS} sessions at the same moment, each in two processes"
    return Row(run, shape, rounds, storm.grants, ticker.seconds, held, storm.seconds)


def _p99(seconds: Sequence[float]) -> float:
    return percentile(sorted(seconds), 0.99)
