"""What is measured over HTTP: each scenario puts loads on a field and is a section of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.fields import Field, Started
from bench.figures import pooled_ms, spread, table
from bench.load import Load, Work
from bench.paces import USUAL, Pace
from bench.rounds import Loads, Section, beside_direct, errors_of, first_ms, rounds_of, stretch, whole_ms

CLIENTS = (1, 16, 64)
LONG = Pace(100)
BRISK = Pace(10, 0.03)


@dataclass(frozen=True)
class Crowd:
    """So many streams, of which one begins after the other, over some seconds or at once."""

    streams: int
    spread_seconds: float

    def __str__(self) -> str:
        within = f"within {self.spread_seconds:g} s" if self.spread_seconds else "at once"
        return f"{self.streams}, begun {within}"

    @property
    def brief(self) -> str:
        """What stands below its bars."""
        return f"{self.streams} {f'in {self.spread_seconds:g} s' if self.spread_seconds else 'at once'}"


@dataclass(frozen=True)
class Effort:
    """How long it takes: so many rounds of so many seconds, and how long the slow streams are."""

    rounds: int
    seconds: float
    crowd_rounds: int
    crowd_pace: Pace
    crowds: tuple[Crowd, Crowd, Crowd]
    starts: int

    @property
    def most(self) -> Crowd:
        """The most streams, where they do not all begin in the same moment."""
        return self.crowds[1]


QUICK = Effort(1, 0.5, 1, Pace(20, 0.05), (Crowd(10, 0.5), Crowd(50, 1.0), Crowd(50, 0.0)), 0)
FULL = Effort(4, 3.0, 2, Pace(200, 0.05), (Crowd(100, 5.0), Crowd(500, 5.0), Crowd(500, 0.0)), 1)


@dataclass
class Found:
    """All loads that were measured: JSON and fast streams by clients, crowds by size and begin."""

    effort: Effort
    sends: dict[int, Loads] = field(default_factory=dict)
    deltas: dict[int, Loads] = field(default_factory=dict)
    crowds: dict[Crowd, Loads] = field(default_factory=dict)
    starts: dict[str, list[Started]] = field(default_factory=dict)
    traced: dict[str, float] = field(default_factory=dict)  # ms of a turn's trace at p95


Scenario = Callable[[Field, Found], Section]


def sends(place: Field, found: Found) -> Section:
    """JSON requests: how many a second, what each costs, and how much later its answer comes."""
    work = Work(stream=False, pace=USUAL, seconds=found.effort.seconds)
    for clients in CLIENTS:
        found.sends[clients] = rounds_of(place, found.effort.rounds, clients, work)
    names = ["clients", "target", "requests/s", "ms p50", "ms p99", "added ms p50", "CPU ms", "load's cores"]
    says = (
        f"An answer of {USUAL.deltas} words in one JSON object; a new session with each message. Colloquy "
        f"reads it from the upstream as a stream of {USUAL.deltas} deltas, LiteLLM as one object. Added: to "
        "what the same request takes without a server between, in the same round. CPU ms: the target's "
        "processor time for a request. Load's cores: what client and upstream used; direct is their ceiling."
    )
    return _section("JSON requests", says, names, found.sends, _send_cells)


def _send_cells(loads: Loads) -> Iterator[Sequence[str]]:
    added = beside_direct(loads, whole_ms(50))
    for name, some in loads.items():
        yield [
            name,
            spread([one.requests_per_second for one in some]),
            *(pooled_ms((one.whole_seconds for one in some), percent) for percent in (50, 99)),
            spread(added[name]),
            spread([one.cpu_ms for one in some]),
            spread([one.load_cores for one in some]),
        ]


def deltas(place: Field, found: Found) -> Section:
    """Streams as fast as they go: what a delta costs."""
    work = Work(stream=True, pace=LONG, seconds=found.effort.seconds)
    for clients in CLIENTS:
        found.deltas[clients] = rounds_of(place, found.effort.rounds, clients, work)
    names = [
        "clients",
        "target",
        "deltas/s",
        "streams/s",
        "CPU µs a delta",
        "CPU ms a stream",
        "load's cores",
    ]
    says = (
        f"Streams of {LONG.deltas} deltas, which the upstream sends at once. The CPU of a delta has its "
        "share of what a request costs."
    )
    return _section("Streamed deltas", says, names, found.deltas, _delta_cells)


def _delta_cells(loads: Loads) -> Iterator[Sequence[str]]:
    for name, some in loads.items():
        yield [
            name,
            spread([one.requests_per_second * LONG.deltas for one in some]),
            spread([one.requests_per_second for one in some]),
            spread([one.cpu_ms * 1000 / LONG.deltas for one in some]),
            spread([one.cpu_ms for one in some]),
            spread([one.load_cores for one in some]),
        ]


def first_events(place: Field, found: Found) -> Section:
    """How much later Claude's first event comes than from the upstream itself."""
    work = Work(True, BRISK, seconds=found.effort.seconds, spread_seconds=BRISK.whole_seconds)
    loads = {clients: rounds_of(place, found.effort.rounds, clients, work) for clients in CLIENTS[:2]}
    names = ["clients", "target", "first event ms p50", "p99", "added ms p50", "added ms p99", "CPU ms"]
    says = (
        f"Streams of {BRISK.deltas} deltas, {BRISK.seconds_per_delta * 1000:g} ms apart; each client reads "
        "one after another. Added: how much later Claude's first event comes than direct, in the same round."
    )
    return _section("Time to the first event", says, names, loads, _first_cells)


def _first_cells(loads: Loads) -> Iterator[Sequence[str]]:
    p50, p99 = beside_direct(loads, first_ms(50)), beside_direct(loads, first_ms(99))
    for name, some in loads.items():
        yield [
            name,
            *(pooled_ms((one.first_seconds for one in some), percent) for percent in (50, 99)),
            spread(p50[name]),
            spread(p99[name]),
            spread([one.cpu_ms for one in some]),
        ]


def crowds(place: Field, found: Found) -> Section:
    """Many slow streams at once: do they keep their pace, and what do they hold."""
    pace = found.effort.crowd_pace
    for crowd in found.effort.crowds:
        work = Work(True, pace, times=1, spread_seconds=crowd.spread_seconds)
        found.crowds[crowd] = rounds_of(place, found.effort.crowd_rounds, crowd.streams, work)
    names = ["streams", "target", "stretch p50", "p99", "first event added ms p50", "p99"]
    names += ["CPU s", "CPU µs an event", "MiB", "load's cores"]
    says = (
        f"{1 / pace.seconds_per_delta:g} events/s for {pace.whole_seconds:g} s each. Stretch: the time of a "
        "whole stream, of that. MiB: the memory of all of the target's processes, at its height."
    )
    return _section("Many slow streams", says, names, found.crowds, lambda loads: _crowd_cells(loads, pace))


def _crowd_cells(loads: Loads, pace: Pace) -> Iterator[Sequence[str]]:
    added = [beside_direct(loads, first_ms(percent)) for percent in (50, 99)]
    for name, some in loads.items():
        yield [
            name,
            *(spread([stretch(percent, pace.whole_seconds)(one) for one in some]) for percent in (50, 99)),
            *(spread(one[name]) for one in added),
            spread([one.cpu_seconds for one in some]),
            spread([one.cpu_ms * 1000 / pace.deltas for one in some]),
            spread([one.peak_mib for one in some]),
            spread([one.load_cores for one in some]),
        ]


def starts(found: Found) -> Section:
    """From start to first answer, and the memory then and under the most streams."""
    rows = [
        [
            name,
            spread([one.seconds for one in some]),
            spread([one.memory_mib for one in some]),
            spread([one.peak_mib for one in peaks(found, name)]),
        ]
        for name, some in found.starts.items()
    ]
    names = ["target", "first answer after s", "MiB idle", f"MiB with {found.effort.most.streams} streams"]
    says = (
        "The first answer is to a message, not to a health check. Colloquy's first start makes its database. "
        "Idle: when it has given one answer. Memory that several processes share counts once."
    )
    return Section(table("Start and memory", says, names, rows))


def peaks(found: Found, name: str) -> list[Load]:
    """A target's loads of the most streams, however they begin."""
    most = found.effort.most.streams
    return [one for crowd, loads in found.crowds.items() if crowd.streams == most for one in loads[name]]


def _section(
    title: str,
    says: str,
    names: Sequence[str],
    loads: Mapping[int, Loads] | Mapping[Crowd, Loads],
    cells: Callable[[Loads], Iterator[Sequence[str]]],
) -> Section:
    rows = [[f"{key}", *row] for key, some in loads.items() for row in cells(some)]
    errors = [error for some in loads.values() for error in errors_of(some)]
    return Section(table(title, says, names, rows), errors)
