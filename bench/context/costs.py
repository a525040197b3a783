"""What every policy costs: over all traces, each as real requests with the simulator's accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from app.claude.rules.models import Model, find
from bench.context.accounts import Meter, Till
from bench.context.baselines import HALF, NAIVE, SLIDING, Window
from bench.context.conversations import spoken
from bench.context.foresight import least_cost_tokens
from bench.context.ours import Ours, tariff_of
from bench.context.tables import (
    LEAST,
    NAIVELY,
    OURS,
    RECALLING,
    SLIDINGLY,
    TRIMMING,
    Measured,
    drawing,
    tables,
)
from bench.context.traces import Workload, workloads

BASELINES = {NAIVELY: NAIVE, SLIDINGLY: SLIDING, TRIMMING: HALF}
# The parameters were chosen on the seeds 1 to 3.
FIRST_SEED = 11
# Short conversations differ most from each other: more of them are needed for a mean.
TRACES = {"chat of 8": 8, "chat of 40": 4, "document": 4, "agent": 2, "chat of 120": 2, "chat of 400": 1}
QUICK = {"chat of 8": 2, "chat of 40": 1, "document": 1, "agent": 1}


def main(*, quick: bool = False) -> tuple[str, str]:
    """All tables, in Markdown, and the drawing."""
    found = list(measured(chosen(quick=quick)))
    return tables(found), drawing(found)


def chosen(*, quick: bool) -> list[Workload]:
    """The workloads, each with as many traces as its shape needs; the longest come first."""
    numbers = QUICK if quick else TRACES
    found = [
        one
        for number in range(max(numbers.values()))
        for one in workloads(FIRST_SEED + number)
        if number < numbers.get(one.shape, 0)
    ]
    return sorted(found, key=lambda one: -len(one.trace.turns))


def measured(given: Iterable[Workload]) -> Iterator[Measured]:
    """One after the other, on all processors."""
    with ProcessPoolExecutor() as pool:
        yield from pool.map(measure, given)


def measure(workload: Workload) -> Measured:
    """Every policy's cost of one trace."""
    setting, model = workload.setting, model_of(workload)
    conversation, tariff, meter = spoken(workload.trace, model), tariff_of(setting, model), Meter(model)
    policies: dict[str, Window | Ours] = {**BASELINES, RECALLING: Ours(1_000)}
    costs = {
        name: one.cost_tokens(conversation, setting, Till(meter, tariff)) for name, one in policies.items()
    }
    till = Till(meter, tariff)
    kept_from = list(Ours().first_turns(conversation, setting, till))
    costs[OURS] = till.cost_tokens
    costs[LEAST] = least_cost_tokens(conversation, setting, tariff, kept_from)
    return Measured(workload.shape, workload.pace, setting, costs)


def model_of(workload: Workload) -> Model:
    """The model of a workload's setting."""
    model = find(workload.setting.model)
    if model is None:
        raise LookupError(workload.setting.model)
    return model
