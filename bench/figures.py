"""Figures and tables: medians with their range over the rounds, never a mean, never a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of the values do not exceed; nan for none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)] if ordered else math.nan


def spread(values: Sequence[float], unit: str = "") -> str:
    """`median (least-most)`."""
    if not values:
        return "none"
    middle = f"{short(median(values))}{unit}"
    return middle if len(values) == 1 else f"{middle} ({short(min(values))}-{short(max(values))})"


def short(value: float) -> str:
    """A number with about three figures that mean something."""
    if math.isnan(value):
        return "none"
    if abs(value) < 1:
        return f"{value:.2g}"
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def brief(value: float) -> str:
    """A number that fits above a bar: 0.21, 2.1, 210, 21k, 2.1M."""
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.{int(value < 10 * size)}f}{sign}"
    return short(value) if math.isnan(value) or value < 1 else f"{value:.{int(value < 10)}f}"


def pooled_ms(rounds: Iterable[Sequence[float]], percent: float) -> str:
    """A percentile over the samples of all rounds, in milliseconds."""
    return short(percentile([one for samples in rounds for one in samples], percent) * 1000)


def table(title: str, says: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown section with one table."""
    lines = [f"## {title}", "", says, "", _line(names), _line(["---"] * len(names))]
    return "\n".join([*lines, *(_line(row) for row in rows), ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
