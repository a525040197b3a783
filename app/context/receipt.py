"""What became of each message of the path: sent verbatim, recalled, summarised, or left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from app.context.plan import Plan

FATES = ("verbatim", "pinned", "recalled", "summarised", "left_out")


@dataclass(frozen=True)
class Run:
    """Messages in a row that went the same way, by their depths, both ends included."""

    fate: str
    first_depth: int
    last_depth: int


def runs(plan: Plan) -> list[Run]:
    """The whole path, from the root to the newest message; as many runs as there are changes."""
    found = list(_before(plan))
    return [*found, Run("verbatim", plan.first_depth, plan.last_depth)]


def _before(plan: Plan) -> Iterator[Run]:
    """What stands before the kept turns; only recalled and pinned messages are looked at one by one."""
    singled = dict.fromkeys(plan.recalled_depths, "recalled") | {one.depth: "pinned" for one in plan.pinned}
    depths = sorted(depth for depth in singled if depth < plan.first_depth)
    at = 0
    for _, row in groupby(enumerate(depths), key=lambda pair: (pair[1] - pair[0], singled[pair[1]])):
        members = [depth for _, depth in row]
        yield from _gap(plan, at, members[0] - 1)
        yield Run(singled[members[0]], members[0], members[-1])
        at = members[-1] + 1
    yield from _gap(plan, at, plan.first_depth - 1)


def _gap(plan: Plan, low: int, high: int) -> Iterator[Run]:
    """Messages that are not sent themselves: those that the summary covers, and the others."""
    border = plan.summary.upto_depth if plan.summary else -1
    if low <= min(high, border):
        yield Run("summarised", low, min(high, border))
    if max(low, border + 1) <= high:
        yield Run("left_out", max(low, border + 1), high)
