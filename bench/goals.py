"""What was wished for, and whether it is reached: ratios in one run, and what is added to the upstream."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.fields import Started
from bench.figures import short, table
from bench.load import Load
from bench.rounds import Loads, Section, beside_direct, first_ms, stretch, whole_ms
from bench.scenarios import CLIENTS, Found, peaks
from bench.targets import LITELLM, LITELLM_CHAT, POSTGRESQL, SQLITE

MOST_CLIENTS = CLIENTS[-1]
PEERS = (LITELLM, LITELLM_CHAT)
YES, NO, UNKNOWN = "yes", "no", "not measured"


@dataclass(frozen=True)
class Goal:
    """A figure that shall be at least so much, or at most; nan where it was not measured."""

    what: str
    wanted: float
    found: float
    is_least: bool = False

    @property
    def is_reached(self) -> str:
        """Yes, no, or that it was not measured."""
        if math.isnan(self.found):
            return UNKNOWN
        return YES if (self.found >= self.wanted if self.is_least else self.found <= self.wanted) else NO

    @property
    def wish(self) -> str:
        """What was wished for, in words."""
        return f"{'at least' if self.is_least else 'at most'} {self.wanted:g}"


def goals(found: Found) -> Iterator[Section]:
    """The tables: Colloquy on SQLite beside each route of the peer, and what it adds to the upstream."""
    if any(LITELLM in loads for loads in found.sends.values()):
        yield Section(_beside_peers(found))
    rows = [[one.what, one.wish, short(one.found), one.is_reached] for one in added(found)]
    says = "Medians over the rounds, each beside the upstream called directly in the same round."
    yield Section(table("What Colloquy adds", says, ["what", "wished for", "found", "reached"], rows))


def _beside_peers(found: Found) -> str:
    columns = [ratios(found, peer) for peer in PEERS]
    names = ["how many times better", "wished for"]
    names += [f"{part} {peer}" for peer in PEERS for part in ("beside", "reached beside")]
    rows = []
    for row in zip(*columns, strict=True):
        cells = [cell for one in row for cell in (short(one.found), one.is_reached)]
        rows.append([row[0].what, row[0].wish, *cells])
    says = (
        "Colloquy on SQLite, with authentication, history, log, ledger and traces; LiteLLM's proxy keeps "
        f"nothing. `{LITELLM}` is its route `/v1/messages`, `{LITELLM_CHAT}` its route `/chat/completions`. "
        "Medians of the ratios of each round."
    )
    return table("Colloquy beside LiteLLM", says, names, rows)


def ratios(found: Found, peer: str) -> Sequence[Goal]:
    """How many times better Colloquy on SQLite is than a peer."""
    sends, deltas = found.sends.get(MOST_CLIENTS, {}), found.deltas.get(MOST_CLIENTS, {})
    at = f"{MOST_CLIENTS} clients"
    return [
        Goal(f"JSON requests per CPU second, {at}", 12, _times(sends, peer, _cpu_ms), is_least=True),
        Goal(f"streamed deltas per CPU second, {at}", 6, _times(deltas, peer, _cpu_ms), is_least=True),
        Goal(f"JSON requests per second, {at}", 12, _times(sends, peer, _seconds_each), is_least=True),
        Goal("memory at its height", 3, _memory_times(found, peer), is_least=True),
        Goal("first answer after a start", 8, _start_times(found), is_least=True),
    ]


def added(found: Found) -> Sequence[Goal]:
    """What Colloquy adds: to one client's request, to the most slow streams, to a turn by its trace."""
    alone, crowd = found.sends.get(1, {}), found.crowds.get(found.effort.most, {})
    ideal_seconds, most = found.effort.crowd_pace.whole_seconds, found.effort.most.streams
    return [
        Goal("ms added to a JSON request of one client, p50, SQLite", 5, _added(alone, SQLITE, whole_ms(50))),
        Goal("the same on PostgreSQL", 8, _added(alone, POSTGRESQL, whole_ms(50))),
        Goal(f"stretch of {most} streams, p50", 1.03, _median(crowd, SQLITE, stretch(50, ideal_seconds))),
        Goal("the same, p99", 1.1, _median(crowd, SQLITE, stretch(99, ideal_seconds))),
        Goal("ms added to their first event, p50", 80, _added(crowd, SQLITE, first_ms(50))),
        Goal("the same, p99", 400, _added(crowd, SQLITE, first_ms(99))),
        *(Goal(f"ms that tracing adds to a turn, p95, {name}", 2, p95) for name, p95 in found.traced.items()),
    ]


def _times(loads: Loads, peer: str, of: Callable[[Load], float]) -> float:
    """How many times less ours is than the peer's, where less is better."""
    pairs = zip(loads.get(peer, ()), loads.get(SQLITE, ()), strict=False)
    return _middle([of(theirs) / (of(ours) or math.nan) for theirs, ours in pairs])


def _cpu_ms(one: Load) -> float:
    return one.cpu_ms


def _seconds_each(one: Load) -> float:
    return one.wall_seconds / max(one.requests, 1)


def _memory_times(found: Found, peer: str) -> float:
    theirs, ours = (_middle([one.peak_mib for one in peaks(found, name)]) for name in (peer, SQLITE))
    return theirs / ours


def _start_times(found: Found) -> float:
    theirs, ours = (_middle(_seconds(found.starts.get(name, ()))) for name in (LITELLM, SQLITE))
    return theirs / ours


def _seconds(starts: Sequence[Started]) -> Sequence[float]:
    return [one.seconds for one in starts]


def _added(loads: Loads, name: str, of: Callable[[Load], float]) -> float:
    return _middle(beside_direct(loads, of)[name]) if name in loads else math.nan


def _median(loads: Loads, name: str, of: Callable[[Load], float]) -> float:
    return _middle([of(one) for one in loads.get(name, ())])


def _middle(values: Sequence[float]) -> float:
    return median(values) if values else math.nan
