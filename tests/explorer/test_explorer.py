"""Every interleaving of what several processes do to one person's sessions keeps the rules that `judge` has."""

from __future__ import annotations

import pytest

from tests.explorer.scenario import ANYTHING, IN_USE, Scenario
from tests.explorer.search import explore


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(("use", "sign_out"), faults=1, outcomes=ANYTHING, stalls=True),
        Scenario(("use", "use"), skews=(-300.0, 300.0)),
        Scenario(("use", "sign_out"), ages=(IN_USE,), faults=1, outcomes=ANYTHING),
        Scenario(("use", "use", "sign_out"), skews=(-300.0, 0.0, 300.0)),
    ],
    ids=str,
)
def test_no_interleaving_breaks_a_rule(scenario: Scenario) -> None:
    explored = explore(scenario)
    assert explored.found is None, str(explored.found)
    assert explored.interleavings > 10
