"""`python -m bench.flat.measuring URL UPSTREAM FILLED SESSION…`: one database is filled and measured.

It gets so many messages of others', and a session of each of these sizes. What a session's turns may hold is
so little that the shortest one fills it: then all turns send as much.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.services import users
from bench.apps import Visitor, visitor_on
from bench.flat import filling
from bench.flat.counting import count_all
from bench.flat.efforts import READS, TURNS, WARM_UP_TURNS
from bench.flat.texts import Speaker, word_at
from bench.flat.visits import Visits, visit

OTHERS, MESSAGES_EACH = 9, 100
WORDS, FILLED_WORDS = 80, 40
BUDGET_TOKENS = 800
QUERIES: Mapping[str, Callable[[int], str]] = {
    "search, a frequent word": lambda at: word_at(1 + at % 10),
    "search, an ordinary word": lambda at: word_at(200 + at),
    "search, a rare word": lambda at: word_at(10_000 + at),
    "search, two words": lambda at: f"{word_at(20 + at)} {word_at(60 + at)}",
}
COUNTED = ("statements", "rows", "read_bytes", "written_bytes")


def main(database_url: str, upstream_url: str, filled: int, sizes: Sequence[int]) -> None:
    """Print what turns, lists and searches cost."""
    count_all()
    with visitor_on(database_url, upstream_url) as visitor:
        speaker = Speaker(1)
        filling.fill(_people(visitor), filled, MESSAGES_EACH, FILLED_WORDS)
        session_ids = {size: _session(visitor, size, speaker) for size in sizes}
        filling.finish()
        total = filling.count_messages()
        turns = _turns(visitor, session_ids, speaker)
        reads = dict(_reads(visitor, session_ids[sizes[-1]]))
    print(json.dumps({"messages": total, "turns": turns, "reads": reads}))


def _people(visitor: Visitor) -> Sequence[str]:
    """The visitor has a tenth of what is filled in."""
    return [visitor.caller.user_id, *(users.add(f"other {at}").id for at in range(OTHERS))]


def _session(visitor: Visitor, size: int, speaker: Speaker) -> str:
    context = {"budget_tokens": BUDGET_TOKENS}
    return filling.add_session(visitor.caller.user_id, size, WORDS, speaker, context=context)


def _turns(visitor: Visitor, session_ids: Mapping[int, str], speaker: Speaker) -> Mapping[int, Any]:
    """What a turn costs in each session; they take turns, so noise meets all alike."""
    found: dict[int, list[Any]] = {size: [] for size in session_ids}
    for at in range(WARM_UP_TURNS + TURNS):
        for size, session_id in session_ids.items():
            said = {"content": f"{speaker.text(WORDS)} [[reply: text={speaker.text(WORDS)}]]"}
            done = visit(visitor, "POST", f"/sessions/{session_id}/messages", said)
            if at >= WARM_UP_TURNS:
                found[size].append(done)
    return {size: _costs(Visits(some)) for size, some in found.items()}


def _costs(some: Visits) -> Mapping[str, float]:
    counts = {name: some.count(name) for name in COUNTED}
    return {**counts, "cpu_ms": some.cpu_ms(), "ms": some.ms(50)}


def _reads(visitor: Visitor, session_id: str) -> Iterator[tuple[str, Sequence[float]]]:
    """Milliseconds at p50 and p95 of lists and searches."""
    messages = f"/sessions/{session_id}/messages"
    lists = {
        "list of sessions": "/sessions?limit=50",
        "messages of the longest session, first page": f"{messages}?limit=50",
        "messages of the longest session, last page": f"{messages}?limit=50&order=desc",
        "list of traces": "/traces?limit=50",
        "ledger": "/ledger?limit=50",
    }
    for name, path in lists.items():
        yield name, _spread([path] * READS, visitor)
    for name, query in QUERIES.items():
        yield name, _spread([f"/messages?q={query(at)}" for at in range(READS)], visitor)


def _spread(paths: Sequence[str], visitor: Visitor) -> Sequence[float]:
    visit(visitor, "GET", paths[0])
    some = Visits([visit(visitor, "GET", path) for path in paths])
    return [some.ms(50), some.ms(95)]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), [int(size) for size in sys.argv[4:]])
