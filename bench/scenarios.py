"""What is measured. Each round puts the same load on every target in turn, so noise meets all alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import figures, load
from bench.figures import pooled_ms, spread, table
from bench.load import Load, Work
from bench.servers import Field, Pace

WARM_UP_REQUESTS = 10


@dataclass(frozen=True)
class Effort:
    """How long it takes: rounds of so many seconds, and how long the slow streams are."""

    send_rounds: int
    send_seconds: float
    growth_rounds: int
    stream_rounds: int
    stream_seconds: float
    crowd_rounds: int
    crowd_pace: Pace
    crowds: Sequence[int] = (30, 200)


QUICK = Effort(2, 0.4, 1, 1, 1.0, 1, Pace(20, 0.05))
FULL = Effort(5, 1.6, 4, 4, 2.5, 3, Pace(100, 0.05))


@dataclass(frozen=True)
class Measured:
    """A Markdown section, and what went wrong while it was measured."""

    text: str
    errors: Sequence[str]


Rounds = dict[str, list[Load]]


def rounds_of(place: Field, number: int, clients: int, work: Work) -> Rounds:
    """The same work on every target, round after round: direct, ours, direct, ours."""
    found: Rounds = {target.name: [] for target in place.targets}
    for _ in range(number):
        for target in place.targets:
            asked_before = place.asked_upstream()
            done = load.put(target, clients, work)
            _check_count(done, place.asked_upstream() - asked_before)
            found[target.name].append(done)
    return found


def _check_count(done: Load, asked: int) -> None:
    """An answer from a cache, or a call that was tried again, would make the figures lie."""
    if asked != done.requests and not done.errors:
        done.errors.append(f"{done.requests} requests, but the upstream was asked {asked} times")


def warm_up(place: Field) -> None:
    """What only the first requests pay for: imports, caches, connections."""
    for target in place.targets:
        load.put(target, WARM_UP_REQUESTS, Work(stream=False, deltas=place.pace.deltas, times=1))


def sends(place: Field, effort: Effort) -> Measured:
    """JSON sends: how many a second, and what each costs."""
    rows, errors = [], []
    work = Work(stream=False, deltas=place.pace.deltas, seconds=effort.send_seconds)
    for clients in (1, 16, 64):
        found = rounds_of(place, effort.send_rounds, clients, work)
        rows += [_send_row(clients, loads, found["direct"]) for loads in found.values()]
        errors += errors_of(found)
    names = ["clients", "target", "requests/s", "of direct", "ms p50", "ms p99", "CPU ms", "client's cores"]
    says = (
        f"An answer of {place.pace.deltas} deltas, sent at once; a new session with each message. "
        "CPU ms: the target's processor time for each request. Client's cores: near 1, the client "
        "is the limit; direct is its ceiling."
    )
    return Measured(table("JSON sends", says, names, rows), errors)


def _send_row(clients: int, loads: list[Load], base: list[Load]) -> list[str]:
    return [
        str(clients),
        loads[0].target,
        spread([one.requests_per_second for one in loads]),
        spread(ratios(loads, base, lambda one: one.requests_per_second)),
        pooled_ms((one.whole_seconds for one in loads), 50),
        pooled_ms((one.whole_seconds for one in loads), 99),
        spread([one.cpu_ms for one in loads]),
        spread([one.client_cores for one in loads]),
    ]


def streams(place: Field, effort: Effort) -> Measured:
    """Streams: how much later Claude's first event comes than from the upstream itself."""
    rows, errors = [], []
    pace = place.pace
    work = Work(True, pace.deltas, seconds=effort.stream_seconds, spread_seconds=pace.whole_seconds)
    for clients in (1, 16):
        found = rounds_of(place, effort.stream_rounds, clients, work)
        rows += [_stream_row(clients, loads, found["direct"]) for loads in found.values()]
        errors += errors_of(found)
    names = ["clients", "target", "first event ms p50", "p99", "added ms p50", "added ms p99", "CPU ms"]
    says = (
        f"Streams of {pace.deltas} deltas, {pace.seconds_per_delta * 1000:g} ms apart; each client sends "
        "one after another. Added: how much later Claude's first event comes than direct, in the same round."
    )
    return Measured(table("Time to the first event", says, names, rows), errors)


def _stream_row(clients: int, loads: list[Load], base: list[Load]) -> list[str]:
    firsts = [one.first_seconds for one in loads]
    return [
        str(clients),
        loads[0].target,
        pooled_ms(firsts, 50),
        pooled_ms(firsts, 99),
        spread(added_ms(loads, base, 50)),
        spread(added_ms(loads, base, 99)),
        spread([one.cpu_ms for one in loads]),
    ]


def crowds(place: Field, effort: Effort) -> Measured:
    """Many slow streams at once: do they keep their pace, and what do they hold."""
    rows, errors = [], []
    work = Work(stream=True, deltas=place.pace.deltas, times=1)
    for clients in effort.crowds:
        found = rounds_of(place, effort.crowd_rounds, clients, work)
        rows += [_crowd_row(clients, loads, place.pace.whole_seconds) for loads in found.values()]
        errors += errors_of(found)
    names = [
        "streams",
        "target",
        "stretch p50",
        "stretch worst",
        "first event ms p50",
        "p99",
        "CPU s",
        "RSS MiB",
    ]
    says = (
        f"All begin at once; {1 / place.pace.seconds_per_delta:g} events/s for {place.pace.whole_seconds:g} "
        "s each. Stretch: the time of a whole stream against that ideal. RSS: all processes of the target, "
        "at their height."
    )
    return Measured(table("Many slow streams at once", says, names, rows), errors)


def _crowd_row(streams: int, loads: list[Load], ideal_seconds: float) -> list[str]:
    stretches = [[seconds / ideal_seconds for seconds in one.whole_seconds] for one in loads]
    return [
        str(streams),
        loads[0].target,
        *(spread([figures.percentile(one, percent) for one in stretches]) for percent in (50, 100)),
        *(pooled_ms((one.first_seconds for one in loads), percent) for percent in (50, 99)),
        spread([one.cpu_seconds for one in loads]),
        spread([one.peak_rss_mib for one in loads]),
    ]


def ratios(loads: list[Load], base: list[Load], of: Callable[[Load], float]) -> list[float]:
    """Each round's figure against the base's in the same round."""
    return [of(one) / (of(other) or math.nan) for one, other in zip(loads, base, strict=True)]


def added_ms(loads: list[Load], base: list[Load], percent: float) -> list[float]:
    """How much later the first event came than the base's, round by round."""
    pairs = zip(loads, base, strict=True)
    at = figures.percentile
    return [
        (at(one.first_seconds, percent) - at(other.first_seconds, percent)) * 1000 for one, other in pairs
    ]


def errors_of(found: Rounds) -> list[str]:
    return [f"{name}: {error}" for name, loads in found.items() for one in loads for error in one.errors]
