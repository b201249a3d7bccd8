"""The reader of events finds each call, and each that it cannot read."""

from __future__ import annotations

from tests.documentation.events import events, unreadable

SOURCES = {
    "one.py": """
def f():
    log.event("signed_in", person="x")
    log.failure("broken", problem)
    other.event("not_ours")
""",
    "two.py": """
log.event("signed_in")
log.event(name)
log.failure(f"{a}_failed", problem)
log.event()
""",
}


def test_the_names_of_all_calls_are_found_once() -> None:
    assert events(SOURCES) == {"signed_in", "broken"}


def test_a_name_that_is_computed_is_found() -> None:
    assert unreadable(SOURCES) == [f"two.py:{line} computes the name of its event" for line in (3, 4, 5)]
