"""Whatever happened to a history: what is sent of it obeys Claude's rules, and its thinking still fits."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.faults.conftest import Found, Scale
from tests.faults.histories import History

MOST_ACTS = 10
MOST_SHOWN = 3


def test_no_history_makes_a_request_that_claude_refuses(scale: Scale, found: Found) -> None:
    refused: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for seed in range(scale.histories):
        history = History(Random(seed))  # noqa: S311 - no secret
        history.live(history.random.randrange(1, MOST_ACTS))
        counts += history.counts
        if history.refused:
            refused[seed] = history.refused[0]
    among = ", ".join(f"{count} {name}" for name, count in counts.items())
    found(f"{scale.histories} histories ({among}): {len(refused)} refused by the validator")
    shown = "\n\n".join(f"seed {seed}: {refused[seed]}" for seed in list(refused)[:MOST_SHOWN])
    assert not refused, f"{len(refused)} of {scale.histories} histories\n{shown}"
    assert min(counts.values()) > scale.histories / 100, "every kind was among them"
