"""What is measured for each trace."""

from __future__ import annotations

from collections import Counter

from bench.context.costs import FIRST_SEED, TRACES, chosen, measure
from bench.context.tables import LEAST, NAIVELY, NAMES, OURS, SLIDINGLY
from bench.context.traces import workloads


def test_a_conversation_costs_least_with_foresight_and_most_without_a_cache() -> None:
    found = measure(next(one for one in workloads(1) if (one.shape, one.pace) == ("chat of 40", "brisk")))
    assert set(found.costs) == set(NAMES)
    assert found.costs[LEAST] <= found.costs[OURS] < found.costs[SLIDINGLY] < found.costs[NAIVELY]


def test_the_parameters_were_not_chosen_on_what_is_measured() -> None:
    assert FIRST_SEED > 3


def test_every_workload_has_the_traces_of_its_shape() -> None:
    found = Counter((one.shape, one.pace, one.setting) for one in chosen(quick=False))
    assert len(found) == 72
    assert all(count == TRACES[shape] for (shape, _, _), count in found.items())
    assert len({one.trace for one in chosen(quick=False)}) == found.total()
