"""A helper that does the bare work of `GET api/messages`, a point read and a Graph call, with the app's client code.

It takes `{"settings", "ca_file"}` first, then any number of `{"people", "seconds"}`, which it answers with
figures.Load: one thread for each person.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from dev.bench.figures import Load, load_of
from dev.bench.helper import answer_all
from dev.bench.people import Person
from shared.clock import Deadline, SystemClock
from shared.config import Config
from shared.errors import DrawbridgeError
from shared.graph import Access
from shared.mail import Wanted
from shared.secret import Secret
from shared.services import Services, build

_SECONDS = 25.0  # for one piece of work, as for one request
_TOP = 25


class Bare:
    """The work, and the services it is done with."""

    def __init__(self) -> None:
        self._services: Services | None = None

    def answer(self, question: dict[str, Any]) -> Any:
        if self._services is None:
            config = Config.from_environment(question["settings"])
            self._services = build(config, SystemClock(), question["ca_file"])
            return {}
        people = [Person(**person) for person in question["people"]]
        self._run(self._services, people, 0.2)  # opens the connections
        return self._run(self._services, people, question["seconds"]).as_json()

    def _run(self, services: Services, people: list[Person], seconds: float) -> Load:
        latencies: list[float] = []
        errors: list[str] = []
        barrier = threading.Barrier(len(people) + 1)

        def work(person: Person) -> None:
            barrier.wait()
            ends = time.perf_counter() + seconds
            while (began := time.perf_counter()) < ends:
                try:
                    once(services, person)
                except DrawbridgeError as problem:
                    errors.append(problem.code)
                latencies.append(time.perf_counter() - began)

        threads = [threading.Thread(target=work, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        barrier.wait()
        began, cpu = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.join()
        return load_of(latencies, len(errors), time.perf_counter() - began, time.process_time() - cpu)


def once(services: Services, person: Person) -> None:
    """Read the person's row and ask Graph for the newest messages."""
    deadline = Deadline(services.clock, _SECONDS)
    services.store.read("sessions", person.partition, person.key, deadline)
    services.mail.messages(
        Access(Secret(person.access_token), person.key), Wanted("inbox", unread=False, search=None, top=_TOP), deadline
    )


if __name__ == "__main__":
    answer_all(Bare().answer)
