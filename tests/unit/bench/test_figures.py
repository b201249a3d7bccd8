"""Percentiles and medians of the bench."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dev.bench.figures import Load, load_of, percentile, summary


def test_a_percentile_is_the_value_at_its_nearest_rank() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]


def test_every_percentile_of_one_value_is_that_value() -> None:
    assert [percentile([7.0], share) for share in (0.0, 0.5, 0.99)] == [7.0, 7.0, 7.0]


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(some.lists(some.floats(0, 10), min_size=1), some.floats(0.01, 1))
def test_at_least_that_share_of_the_values_is_no_larger_than_the_percentile(values: list[float], share: float) -> None:
    found = percentile(sorted(values), share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_a_load_knows_its_rate_and_its_cpu_per_request() -> None:
    load = load_of([0.004, 0.001, 0.002, 0.003], errors=1, seconds=2.0, cpu=0.02)
    assert (load.rate, load.cpu_per_request, load.p50, load.p99) == (2.0, 0.005, 0.002, 0.004)


def test_a_load_without_answers_has_no_figures_rather_than_good_ones() -> None:
    load = load_of([], errors=3, seconds=1.0, cpu=0.5)
    assert math.isnan(load.p50)
    assert (load.rate, load.cpu_per_request) == (0.0, None)


def test_a_load_survives_the_way_through_json() -> None:
    load = load_of([0.1], errors=0, seconds=1.0)
    assert Load(**load.as_json()) == load


def test_a_summary_takes_the_median_of_each_figure_and_the_sum_of_errors() -> None:
    rounds = [
        Load(count=10, errors=1, seconds=1, p50=3, p95=5, p99=9, cpu=0.1),
        Load(count=30, errors=0, seconds=1, p50=1, p95=6, p99=8, cpu=0.1),
        Load(count=20, errors=2, seconds=1, p50=2, p95=4, p99=7, cpu=0.1),
    ]
    found = summary(rounds)
    assert (found.rate, found.p50, found.p95, found.p99, found.errors) == (20, 2, 5, 8, 3)
    assert found.cpu_per_request == 0.005


def test_a_summary_of_loads_whose_cpu_nobody_measured_has_none() -> None:
    assert summary([load_of([0.1], 0, 1.0)]).cpu_per_request is None
