"""The page's drawings: in each group, bars beside the group's largest, with the figures above them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from bench.bars import svg
from bench.figures import brief
from bench.load import Load
from bench.rounds import Loads, beside_direct, first_ms
from bench.scenarios import CLIENTS, LONG, Found, peaks
from bench.targets import DIRECT

Groups = Mapping[str, Sequence[float]]
TITLES = {
    "benchmarks-rates": "In a second, on one core; more is better",
    "benchmarks-costs": "What it costs; less is better",
    "benchmarks-streams": "Slow streams: ms added to the first event; less is better",
}


def plots(found: Found) -> dict[str, str]:
    """The drawings, by the names of their files."""
    names = [name for name in next(iter(found.sends.values()), {}) if name != DIRECT]
    groups = (_rates(found, names), _costs(found, names), _streams(found, names))
    return {
        f"{file}.svg": drawn(title, some, names)
        for (file, title), some in zip(TITLES.items(), groups, strict=True)
    }


def drawn(title: str, groups: Groups, names: Sequence[str]) -> str:
    """A drawing in which each group has its own scale."""
    largest = {group: max((one for one in some if one > 0), default=1.0) for group, some in groups.items()}
    heights = {
        group: [one / largest[group] if one > 0 else 0.0 for one in some] for group, some in groups.items()
    }
    labels = {group: [brief(one) for one in some] for group, some in groups.items()}
    return svg(title, heights, names, labels)


def _rates(found: Found, names: Sequence[str]) -> Groups:
    def _rate(one: Load) -> float:
        return one.requests_per_second

    requests = {f"JSON, {clients} clients": _each(found.sends[clients], names, _rate) for clients in CLIENTS}
    return requests | {
        f"deltas, {clients} clients": [rate * LONG.deltas for rate in _each(loads, names, _rate)]
        for clients, loads in found.deltas.items()
    }


def _costs(found: Found, names: Sequence[str]) -> Groups:
    most = CLIENTS[-1]
    starts = {name: found.starts.get(name, ()) for name in names}
    return {
        "CPU ms, JSON request": _each(found.sends[most], names, lambda one: one.cpu_ms),
        "CPU µs, delta": _each(found.deltas[most], names, lambda one: one.cpu_ms * 1000 / LONG.deltas),
        "s to first answer": [_middle([one.seconds for one in starts[name]]) for name in names],
        "MiB idle": [_middle([one.memory_mib for one in starts[name]]) for name in names],
        f"MiB, {found.effort.most.streams} streams": [
            _middle([one.peak_mib for one in peaks(found, name)]) for name in names
        ],
    }


def _streams(found: Found, names: Sequence[str]) -> Groups:
    return {
        f"{crowd.brief}, p{percent}": [_middle(added[name]) for name in names]
        for crowd, loads in found.crowds.items()
        for percent in (50, 99)
        for added in [beside_direct(loads, first_ms(percent))]
    }


def _each(loads: Loads, names: Sequence[str], of: Callable[[Load], float]) -> list[float]:
    return [_middle([of(one) for one in loads[name]]) for name in names]


def _middle(values: Sequence[float]) -> float:
    return median(values) if values else math.nan
