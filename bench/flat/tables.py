"""What was measured in long histories, as Markdown, beside what was wished for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import short, table
from bench.flat.efforts import TURNS, WARM_UP_TURNS

COSTS = {
    "statements": 1.0,
    "rows": 1.0,
    "read_bytes": 1 / 1024,
    "written_bytes": 1 / 1024,
    "cpu_ms": 1.0,
    "ms": 1.0,
}
NAMES = ["statements", "rows", "KiB read", "KiB written", "CPU ms", "ms"]
MOST_RATIO = 1.2
GROWTH = 2 * (WARM_UP_TURNS + TURNS)
LIST_MS, SEARCH_MS = 50.0, 300.0


@dataclass(frozen=True)
class Measured:
    """One database: its messages, what turns cost by size of session, and reads' ms at p50 and p95."""

    name: str
    messages: int
    turns: Mapping[str, Mapping[str, float]]
    reads: Mapping[str, Sequence[float]]

    @classmethod
    def of(cls, name: str, found: Mapping[str, Any]) -> Measured:
        """From what `bench.flat.measuring` prints."""
        return cls(name, found["messages"], found["turns"], found["reads"])


def turns_table(all_: Sequence[Measured]) -> str:
    """What a turn costs, and the most of it beside the least."""
    rows = [
        [one.name, f"{one.messages:,}", f"{int(size):,}", *_cells(costs)]
        for one in all_
        for size, costs in one.turns.items()
    ]
    most = [short(ratio) for ratio in ratios(all_).values()]
    rows.append(["most of least", "", f"wished for: {MOST_RATIO:g}", *most])
    says = (
        "Medians of a JSON request with its whole turn, in this process, without sockets; the simulator of "
        "Claude is another process. The prompt's budget is so small that the shortest session fills it, so "
        "all send as much. All else is as everybody has it who sets nothing. Each session grows by "
        f"{GROWTH} messages while it is measured."
    )
    return table("A turn in a long history", says, ["database", "messages", "in the session", *NAMES], rows)


def ratios(all_: Sequence[Measured]) -> Mapping[str, float]:
    """Of each cost, the most that a turn has beside the least."""
    turns = [costs for one in all_ for costs in one.turns.values()]
    return {
        name: max(one[name] for one in turns) / (min(one[name] for one in turns) or 1.0) for name in COSTS
    }


def reads_table(all_: Sequence[Measured]) -> str:
    """What lists and searches take."""
    names = ["database", "messages", "what", "ms p50", "ms p95", "wished for", "reached"]
    says = (
        "Whole JSON answers, in this process, without sockets; lists have 50 rows. Who asks has a tenth of "
        "the messages, and the sessions measured above. Words are as unequal as a language's: a frequent one "
        "is in most messages, an ordinary one in some of a hundred."
    )
    return table("Lists and searches in a long history", says, names, _read_rows(all_))


def _read_rows(all_: Sequence[Measured]) -> Iterator[Sequence[str]]:
    for one in all_:
        for what, (p50, p95) in one.reads.items():
            most = SEARCH_MS if what.startswith("search") else LIST_MS
            reached = "yes" if p95 <= most else "no"
            yield [
                *(one.name, f"{one.messages:,}", what, short(p50), short(p95)),
                *(f"at most {most:g}", reached),
            ]


def _cells(costs: Mapping[str, float]) -> Sequence[str]:
    return [short(costs[name] * unit) for name, unit in COSTS.items()]
