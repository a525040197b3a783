"""What was measured, as Markdown and as a drawing. Costs are in units of a window without a cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from bench.bars import svg
from bench.context.traces import PACES, SETTINGS, SHAPES, Setting
from bench.figures import table

NAIVELY, SLIDINGLY, TRIMMING = "naive, no cache", "sliding + automatic", "cut to half + automatic"
OURS, RECALLING, LEAST = "ours", "ours, recalling 1,000", "with foresight"
NAMES = (NAIVELY, SLIDINGLY, TRIMMING, OURS, RECALLING, LEAST)


@dataclass(frozen=True)
class Measured:
    """A trace's costs in tokens, by policy."""

    shape: str
    pace: str
    setting: Setting
    costs: Mapping[str, float]

    @property
    def budget(self) -> str:
        return f"{self.setting.budget_tokens:,} tokens, read at {self.setting.read}"

    def beside(self, policy: str, other: str) -> float:
        """What a policy costs, where the other costs 1."""
        return self.costs[policy] / self.costs[other]


GROUPS: dict[str, Callable[[Measured], str]] = {
    "shape": lambda one: one.shape,
    "pace": lambda one: one.pace,
    "budget": lambda one: one.budget,
}


def tables(found: Sequence[Measured]) -> str:
    """All of it."""
    return "\n".join([_whole(found), *(_grouped(name, group, found) for name, group in GROUPS.items())])


def drawing(found: Sequence[Measured]) -> str:
    """The means, of all and by pace, as an SVG."""
    groups = {"all": list(found)} | _by(GROUPS["pace"], found)
    title = "Mean cost of the input; a window without a cache is 1"
    return svg(title, {name: [_mean(some, one) for one in NAMES] for name, some in groups.items()}, NAMES)


def _whole(found: Sequence[Measured]) -> str:
    names = ["policy", "mean", "of the sliding window's", "beside foresight", "worst"]
    says = (
        f"{len(_workloads(found))} workloads, {len(found)} traces. Means over workloads, each the mean of "
        "its traces; a window of the last turns that is never cached costs 1. Beside foresight: the mean "
        "of the ratios, and the worst of any trace."
    )
    return table("What the input costs", says, names, [[name, *_cells(found, name)] for name in NAMES])


def _cells(found: Sequence[Measured], name: str) -> Iterator[str]:
    yield f"{_mean(found, name):.3f}"
    yield f"{_mean(found, name) / _mean(found, SLIDINGLY):.2f}"
    yield f"{_mean(found, name, LEAST):.2f}"
    yield f"{max(one.beside(name, LEAST) for one in found):.2f}"


def _grouped(title: str, group: Callable[[Measured], str], found: Sequence[Measured]) -> str:
    rows = [
        [name, *(f"{_mean(some, one):.3f}" for one in NAMES[1:]), f"{_mean(some, OURS, LEAST):.2f}"]
        for name, some in _by(group, found).items()
    ]
    return table(f"By {title}", "Means.", [title, *NAMES[1:], "ours beside foresight"], rows)


def _by(group: Callable[[Measured], str], found: Sequence[Measured]) -> dict[str, list[Measured]]:
    parts: dict[str, list[Measured]] = {}
    for one in sorted(found, key=_place):
        parts.setdefault(group(one), []).append(one)
    return parts


def _place(one: Measured) -> tuple[int, int, int]:
    return [*SHAPES].index(one.shape), [*PACES].index(one.pace), SETTINGS.index(one.setting)


def _mean(found: Sequence[Measured], policy: str, other: str = NAIVELY) -> float:
    return mean(mean(one.beside(policy, other) for one in some) for some in _workloads(found).values())


def _workloads(found: Sequence[Measured]) -> dict[str, list[Measured]]:
    return _by(lambda one: f"{one.shape}, {one.pace}, {one.budget}", found)
