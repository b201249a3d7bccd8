"""Data keys that change by the thousand, in several processes, while their vault is there, gone, and there again."""

from __future__ import annotations

import os
import random
import secrets
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import azure.identity
import azure.keyvault.keys.crypto  # noqa: F401 - here, so that sixteen forked processes need not import it at once

from dev.azurite import serving as azurite
from dev.host.clock import ShiftedClock
from dev.launcher import children, ports
from dev.launcher.children import Child
from dev.launcher.terminal import Progress
from dev.sandbox.clock import AppClockFile
from dev.sandbox.control_client import Control
from dev.sandbox.identity.api import PATH as IDENTITY_PATH
from dev.sandbox.options import IDENTITY_HEADER
from dev.sandbox.vault.keys import NAME as KEY_NAME
from dev.storm.crew import Partner, partners
from dev.storm.ground import FOLDER, SECONDS, Ground, is_refused, signed_in
from dev.storm.report import Row, Ticker, Violation
from dev.storm.watched import Steps, watched
from shared import errors
from shared.clock import Deadline
from shared.config import Config
from shared.managed_identity import managed_identity
from shared.outbound import Outbound
from shared.services import build
from shared.wrapping import KeyVaultKey

PROCESSES = 4
COLD = 16
"""Processes that start at the same moment."""
PERIOD, SETTLE = 3600, 900  # seconds
STEP = 900.0
"""Seconds that pass between two rounds of work."""
OUTAGE_EVERY = 20
"""Keys between two outages of the vault, or fewer where few are made."""
OUTAGE = 10
"""Steps that the vault is away: two keys' time, and a half."""
MAX_AGES = (6 * 3600, 24 * 3600)
"""Of sessions: some processes already have the longer one."""
_RECENT = 64
_OPENED = 4  # sessions that each process opens at each step
_DAY = 96  # steps


@dataclass(frozen=True)
class Vault:
    """A running vault with its identity endpoint, and a table of its own."""

    control: Control
    settings: Mapping[str, str]
    ca_file: Path
    clock_file: Path

    def calls(self, operation: str) -> int:
        """How often it was asked so far."""
        return int(self.control.stats()["calls"].get(f"vault.{operation}", 0))


@contextmanager
def _vault(ground: Ground) -> Iterator[Vault]:
    token, http = secrets.token_hex(16), ports.first_free(18080)
    https = ports.first_free(http + 1)
    command = [sys.executable, "-P", "-m", "dev.sandbox", "--http-port", str(http), "--https-port", str(https)]
    command += ["--ca-folder", str(FOLDER / "ca"), "--control-token", token]
    with ExitStack() as stack:
        log = FOLDER / "logs" / "storm-keys-azurite.log"
        store = stack.enter_context(azurite.serve(azurite.AzuriteOptions(log=log), Progress(sys.stderr)))
        environment = children.bare_environment(os.environ)
        sandbox = stack.enter_context(Child("The vault", command, FOLDER / "logs" / "storm-vault.log", environment))
        sandbox.wait_until(lambda: "ready" in sandbox.output().splitlines())
        settings = {
            **ground.settings,
            "SESSION_STORE": store.connection_string,
            "SEALING_KEY": "",
            "SEALING_KEY_ID": f"https://localhost:{https}/keys/{KEY_NAME}",
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{http}{IDENTITY_PATH}",
            "IDENTITY_HEADER": IDENTITY_HEADER,
        }
        file = ground.clock_file("keys")
        yield Vault(Control(f"http://127.0.0.1:{http}", token), settings, ground.ca_file, file)


@dataclass(frozen=True)
class Session:
    """A session that was begun at a step."""

    cookie: str
    begun: int
    ends: int


@dataclass(frozen=True)
class Work:
    """For one process: the step, and cookies to open. `purge`: delete what has expired too."""

    step: int
    cookies: tuple[str, ...] = ()
    purge: bool = False


@dataclass(frozen=True)
class Done:
    """What a process found: the key it seals with, the cookie of the session it began, and cookies that it took for
    signed out, or could not open now. `current` is "" where it had no key.
    """

    current: str
    began: str = ""
    lost: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


class Process:
    """A process of the app, as far as keys go."""

    def __init__(self, vault: Vault, max_age: int) -> None:
        os.environ.update({name: vault.settings[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")})
        ages = {"SESSION_MAX_AGE": str(max_age), "SESSION_IDLE_TIMEOUT": str(max_age)}
        config = Config.from_environment({**vault.settings, **ages})
        outbound = Outbound(config.threads, str(vault.ca_file))
        wrapping = KeyVaultKey(config.sealing_key_id, managed_identity(None, outbound), outbound)
        self._steps = Steps()
        services = build(config, ShiftedClock(vault.clock_file), str(vault.ca_file))
        self._services = watched(services, self._steps, period=PERIOD, settle=SETTLE, wrapping=wrapping)

    def __call__(self, work: Work) -> Done:
        self._steps.arm("", lambda: None)
        deadline = Deadline(self._services.clock, SECONDS)
        lost, locked = [], []
        try:
            began = signed_in(self._services, seconds=3600).cookie
            current = self._services.keyring.current(int(self._services.clock.now()), deadline).id
            if work.purge:
                self._services.purge.run()
        except errors.KeysUnavailable:
            began = current = ""
        for cookie in work.cookies:
            try:
                if is_refused(self._services, cookie):
                    lost.append(cookie)
            except errors.KeysUnavailable:
                locked.append(cookie)
        return Done(current, began, tuple(lost), tuple(locked), tuple(self._steps.taken))


class _Run:
    """Steps of all processes, one after another."""

    def __init__(self, vault: Vault, crew: list[Partner], chance: random.Random, outage_every: int) -> None:
        self._outage_every = outage_every
        self.newest = ""
        self.outages = 0
        self._vault = vault
        self._crew = crew
        self._chance = chance
        self._clock = AppClockFile(vault.clock_file)
        self._number = 0
        self._away: int | None = None  # since which step
        self._fault = 0
        self._recent: deque[Session] = deque(maxlen=_RECENT)

    def step(self) -> None:
        """Let time pass, have every process work, and look at what they found. Raises Violation."""
        self._number += 1
        self._clock.write(self._number * STEP)
        self._come_and_go()
        now = self._number * STEP
        living = [session for session in self._recent if session.ends > now]
        for place, process in enumerate(self._crew):
            asked = self._chance.sample(living, min(_OPENED, len(living)))
            cookies = tuple(session.cookie for session in asked)
            done: Done = process.ask(Work(self._number, cookies, purge=place == 0 and self._number % _DAY == 0))
            self._check(place, done)
            ends = int(now) + MAX_AGES[place % 2]
            self._recent.append(Session(done.began, self._number, ends))
            self.newest = max(self.newest, done.current)

    def _come_and_go(self) -> None:
        """The vault is away for a time after every so many keys."""
        due = int(self.newest or 0) // self._outage_every
        if self._away is None and due > self.outages:
            self._away, self.outages = self._number, due
            self._fault = self._vault.control.fault("vault", {"status": 503}, times=None)
        elif self._away is not None and self._number - self._away == OUTAGE:
            self._away = None
            self._vault.control.remove_fault(self._fault)

    def _check(self, place: int, done: Done) -> None:
        where = f"process {place}, step {self._number}, vault {'there' if self._away is None else 'away'}"
        begun = {session.cookie: session.begun for session in self._recent}
        if not done.began:
            raise Violation(f"{where}: nobody could sign in", done.steps)
        if done.lost:
            raise Violation(f"{where}: {len(done.lost)} sessions were taken for signed out", done.steps)
        early = [cookie for cookie in done.locked if self._away is None or begun[cookie] < self._away]
        if early:
            raise Violation(f"{where}: {len(early)} sessions could not be opened", done.steps)
        if self._away is None and done.current < self.newest:
            raise Violation(f"{where}: seals with {done.current}, others with {self.newest}", done.steps)


def key_rotation(ground: Ground, run: str, rotations: int, cold_starts: int, seed: int) -> list[Row]:
    """First starts on an empty table, then so many rotations. Raises Violation."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    with _vault(ground) as vault:
        AppClockFile(vault.clock_file).write(0.0)
        _forget_keys(vault)  # which makes the tables
        cold = [_cold_starts(vault, run, cold_starts, away=away) for away in (True, False)]
        before, outage_every = vault.calls("unwrapkey"), min(OUTAGE_EVERY, max(2, rotations // 2))
        works = [partial(Process, vault, MAX_AGES[place % 2]) for place in range(PROCESSES)]
        with partners(works) as crew:
            going, ticker = _Run(vault, crew, chance, outage_every), Ticker(run, rotations)
            while (done := max(0, int(going.newest or 0) - 1)) < rotations:
                going.step()
                ticker.tick(max(0, int(going.newest) - 1) - done)
        unwrapped = vault.calls("unwrapkey") - before
    most = PROCESSES * (rotations + 2 + (OUTAGE + 1) * going.outages)
    if unwrapped > most:
        raise Violation(f"{unwrapped} keys were unwrapped, at most {most} should have been", ())
    held = (
        f"nobody was signed out, everybody could sign in, all sealed with one key while the vault was there; it was "
        f"away {going.outages} times for {OUTAGE * STEP / PERIOD:g} keys' time; {unwrapped} unwrappings"
    )
    return [*cold, Row(run, f"{PROCESSES} processes, a key an hour", rotations, None, ticker.seconds, held)]


def _cold_starts(vault: Vault, run: str, rounds: int, *, away: bool) -> Row:
    """Processes that all start at the same moment on an empty table, with the vault there or away."""
    fault = vault.control.fault("vault", {"status": 503}, times=None) if away else 0
    ticker = Ticker(f"{run}, {COLD} first starts, vault {'away' if away else 'there'}", rounds)
    before, again = vault.calls("unwrapkey") + vault.calls("wrapkey"), 0
    for _ in range(rounds):
        with partners([partial(Process, vault, MAX_AGES[0])] * COLD) as crew:
            for process in crew:
                process.tell(Work(0))
            found = {process.heard().current for process in crew}
            if "" in found and not away:  # a slow machine: who was told to come back does, all a while later
                again += 1
                AppClockFile(vault.clock_file).write(again * STEP)
                found = (found - {""}) | {process.ask(Work(0)).current for process in crew}
        _forget_keys(vault)
        if len(found) != 1 or (found == {""}) != away:
            raise Violation(f"first starts found the keys {sorted(found)}", ())
        ticker.tick()
    if away:
        vault.control.remove_fault(fault)
    asked = (vault.calls("unwrapkey") + vault.calls("wrapkey") - before) / rounds
    held = "all were told to come back" if away else f"all sealed with one key, {again} times when asked again"
    shape = f"{COLD} processes start on an empty table, the vault {'away' if away else 'there'}"
    return Row(run, shape, rounds, None, ticker.seconds, f"{held}; {asked:.0f} calls of the vault a round")


def _forget_keys(vault: Vault) -> None:
    services = build(Config.from_environment(vault.settings), ShiftedClock(vault.clock_file), None)
    deadline = Deadline(services.clock, SECONDS)
    rows = services.store.partition("keyring", "keys", deadline)
    services.store.delete_rows("keyring", "keys", [row.key for row in rows], deadline)
