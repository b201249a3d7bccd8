"""What requests of one process share: a call, its failure, the news of Entra, and the places to wait in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from shared import errors
from shared.flights import DOWN_SECONDS, PROBE_SECONDS, EntraHealth, Flights, Recent
from tests.fakes.clock import FakeClock
from tests.support.at_once import until

PATIENCE = 20.0


class Airport:
    """Flights with a pool of 8, and threads that ask for them. `take_off` holds every flight until it is set."""

    def __init__(self) -> None:
        self.flights = Flights[str](8)
        self.take_off = Event()
        self.flown: list[str] = []
        self.pool = ThreadPoolExecutor(16)

    def fly(self, name: str, problem: Exception | None = None) -> str:
        def do() -> str:
            assert self.take_off.wait(PATIENCE)
            self.flown.append(name)
            if problem is not None:
                raise problem
            return f"result of {name}"

        return self.flights.join(name, do, PATIENCE)

    def board(self, name: str, count: int = 1, problem: Exception | None = None) -> list[Future[str]]:
        """So many threads ask for it; gives them back when they are all aboard."""
        already = self.flights._aboard
        passengers = [self.pool.submit(self.fly, name, problem) for _ in range(count)]
        until(lambda: self.flights._aboard == already + count)
        return passengers


@pytest.fixture
def airport() -> Iterator[Airport]:
    made = Airport()
    with made.pool:
        yield made
        made.take_off.set()


def test_of_many_who_ask_for_the_same_one_does_it_and_all_get_its_result(airport: Airport) -> None:
    passengers = airport.board("a", 4)
    airport.take_off.set()
    assert [passenger.result(PATIENCE) for passenger in passengers] == ["result of a"] * 4
    assert airport.flown == ["a"]


def test_who_asks_for_something_else_gets_nothing_of_it(airport: Airport) -> None:
    first, second = airport.board("a", 2), airport.board("b", 2)
    airport.take_off.set()
    assert [passenger.result(PATIENCE) for passenger in first + second] == ["result of a"] * 2 + ["result of b"] * 2
    assert sorted(airport.flown) == ["a", "b"]


def test_a_failure_is_everybodys_and_each_gets_an_exception_of_its_own(airport: Airport) -> None:
    failure = errors.EntraUnavailable(retry_after=7)
    passengers = airport.board("a", 4, failure)
    airport.take_off.set()
    failures = [passenger.exception(PATIENCE) for passenger in passengers]
    assert [type(found) for found in failures] == [errors.EntraUnavailable] * 4
    assert [getattr(found, "retry_after", None) for found in failures] == [7] * 4
    assert len({id(found) for found in failures}) == 4
    assert airport.flown == ["a"]


def test_what_is_done_is_done_anew_for_whoever_asks_later(airport: Airport) -> None:
    airport.take_off.set()
    with pytest.raises(errors.EntraUnavailable):
        airport.fly("a", errors.EntraUnavailable())
    assert airport.fly("a") == "result of a"
    assert airport.flown == ["a", "a"]


def test_half_of_the_pool_may_wait_for_one_and_the_next_is_turned_away_at_once(airport: Airport) -> None:
    passengers = airport.board("a", 4)
    with pytest.raises(errors.SessionBusy) as busy:
        airport.fly("a")
    assert busy.value.retry_after
    assert airport.board("b"), "others have room"
    airport.take_off.set()
    assert {passenger.result(PATIENCE) for passenger in passengers} == {"result of a"}


def test_three_quarters_of_the_pool_may_wait_for_all_and_the_rest_is_left_to_others(airport: Airport) -> None:
    airport.board("a", 4)
    airport.board("b")
    airport.board("c")
    for name in ("a", "b", "d"):
        with pytest.raises(errors.SessionBusy):
            airport.fly(name)
    airport.take_off.set()
    until(lambda: airport.flights._aboard == 0)
    assert airport.fly("d") == "result of d"


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_in_the_smallest_pool_one_may_still_work(threads: int) -> None:
    assert Flights[str](threads).join("a", lambda: "result", 0.0) == "result"


def test_whoever_has_no_time_to_wait_does_not(airport: Airport) -> None:
    airport.board("a")
    for wait in (0.0, -1.0):
        with pytest.raises(errors.SessionBusy):
            airport.flights.join("a", lambda: "never", wait)
    assert airport.flown == []


def test_a_failure_of_ours_leaves_nobody_waiting(airport: Airport) -> None:
    passengers = airport.board("a", 2, ZeroDivisionError())
    airport.take_off.set()
    assert [type(passenger.exception(PATIENCE)) for passenger in passengers] == [ZeroDivisionError] * 2


@contextmanager
def known(health: EntraHealth) -> Iterator[None]:
    """Asking is known to be in vain, before anything is sent."""
    with pytest.raises(errors.EntraUnavailable):
        health.check()
    with pytest.raises(errors.EntraUnavailable), health.asked():
        raise AssertionError("Entra was asked")
    yield


def fails(health: EntraHealth, problem: Exception) -> None:
    with pytest.raises(type(problem)), health.asked():
        raise problem


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> EntraHealth:
    return EntraHealth(clock)


def test_a_time_that_entra_named_serves_everybody_until_it_is_over(health: EntraHealth, clock: FakeClock) -> None:
    fails(health, errors.EntraUnavailable(retry_after=30))
    clock.advance(29.5)
    with known(health), pytest.raises(errors.EntraUnavailable) as told:
        health.check()
    assert told.value.retry_after == 1
    clock.advance(0.5)
    health.check()


def test_what_is_left_of_that_time_is_what_others_are_told(health: EntraHealth, clock: FakeClock) -> None:
    fails(health, errors.EntraUnavailable(retry_after=30))
    clock.advance(10.2)
    with pytest.raises(errors.EntraUnavailable) as told:
        health.check()
    assert told.value.retry_after == 20


def test_a_failure_without_a_time_is_known_for_a_moment(health: EntraHealth, clock: FakeClock) -> None:
    fails(health, errors.EntraUnavailable())
    with known(health):
        clock.advance(DOWN_SECONDS)
    health.check()


def test_while_entra_is_down_one_at_a_time_finds_out(health: EntraHealth, clock: FakeClock) -> None:
    fails(health, errors.EntraUnavailable())
    clock.advance(DOWN_SECONDS)
    with health.asked():
        clock.advance(PROBE_SECONDS - 0.5)
        with known(health):
            pass
    health.check()
    with health.asked(), health.asked():
        pass


def test_while_entra_is_well_everybody_may_ask(health: EntraHealth) -> None:
    with health.asked(), health.asked():
        health.check()


@pytest.mark.parametrize(
    "answer", [errors.NotSignedIn(), errors.InteractionRequired(), errors.AppRegistrationRefused(), ZeroDivisionError()]
)
def test_any_answer_at_all_says_that_entra_is_there(health: EntraHealth, clock: FakeClock, answer: Exception) -> None:
    fails(health, errors.EntraUnavailable())
    clock.advance(DOWN_SECONDS)
    fails(health, answer)
    with health.asked(), health.asked():
        health.check()


def test_an_answer_leaves_nothing_that_a_clock_put_back_could_bring_up(health: EntraHealth, clock: FakeClock) -> None:
    with health.asked():
        pass
    clock.advance(-500)
    health.check()


def test_recent_knows_the_latest_and_forgets_the_oldest() -> None:
    recent = Recent[int]()
    for number in range(5000):
        recent.put(f"{number}", number)
        recent.put("always", number)
    assert (recent.get("4999"), recent.get("always"), recent.get("0")) == (4999, 4999, None)
    assert len(recent._known) < 5000
    assert (recent.take("4999"), recent.take("4999"), recent.get("4999")) == (4999, None, None)
