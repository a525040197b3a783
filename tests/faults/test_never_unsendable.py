"""Whatever happened to a history: what is sent of it obeys Claude's rules, its thinking still fits, and it
never has more tokens than the model's window or the session's budget."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.faults.conftest import Found, Scale
from tests.faults.histories import RARE, History

MOST_ACTS = 14
MOST_SHOWN = 3


def test_no_history_makes_a_request_that_claude_refuses_or_that_is_too_large(
    scale: Scale, found: Found
) -> None:
    refused: dict[int, str] = {}
    exceeded: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for seed in range(scale.histories):
        history = History(Random(seed))  # noqa: S311 - no secret
        history.live(history.random.randrange(1, MOST_ACTS))
        counts += history.counts
        for among, wrong in ((refused, history.refused), (exceeded, history.exceeded)):
            if wrong:
                among[seed] = wrong[0]
    kinds = ", ".join(f"{count} {name}" for name, count in counts.items())
    found(f"{scale.histories} histories ({kinds}): {len(refused)} refused, {len(exceeded)} too large")
    assert not refused, _shown(refused, scale)
    assert not exceeded, _shown(exceeded, scale)
    assert min(count for name, count in counts.items() if name not in RARE) > scale.histories / 100
    assert counts["beyond the greatest expected"] <= counts["requests"] / 100


def _shown(found: dict[int, str], scale: Scale) -> str:
    shown = "\n\n".join(f"seed {seed}: {found[seed]}" for seed in list(found)[:MOST_SHOWN])
    return f"{len(found)} of {scale.histories} histories\n{shown}"
