"""Every interleaving of what several processes do to one person's sessions keeps the rules that `judge` has.

`python -m tests.explorer` goes deeper than there is time for here.
"""

from __future__ import annotations

import pytest

from tests.explorer import scenarios
from tests.explorer.scenario import DEATH, Scenario
from tests.explorer.search import explore


@pytest.mark.parametrize("pair", scenarios.PAIRS, ids=lambda pair: " and ".join(pair))
def test_two_at_a_time_keep_every_rule_in_every_order(pair: tuple[str, ...]) -> None:
    explored = explore(scenarios.fitting(pair))
    assert explored.found is None, str(explored.found)
    assert explored.interleavings > 1


@pytest.mark.parametrize("scenario", scenarios.IN_THREES, ids=str)
def test_three_at_a_time_keep_every_rule_in_every_order(scenario: Scenario) -> None:
    explored = explore(scenario)
    assert explored.found is None, str(explored.found)


@pytest.mark.parametrize("scenario", scenarios.WITH_FAULTS, ids=str)
def test_lost_answers_deaths_and_standstills_break_no_rule_wherever_they_come(scenario: Scenario) -> None:
    explored = explore(scenario)
    assert explored.found is None, str(explored.found)


@pytest.mark.parametrize("scenario", scenarios.ROTATIONS, ids=str)
def test_making_a_data_key_loses_no_session_in_any_order(scenario: Scenario) -> None:
    explored = explore(scenario)
    assert explored.found is None, str(explored.found)


def test_the_same_exploration_covers_the_same_twice() -> None:
    scenario = Scenario(("use", "sign_out"), faults=1, outcomes=DEATH)
    assert explore(scenario) == explore(scenario)
