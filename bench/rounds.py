"""Rounds: the same load on every target in turn, so that noise meets all alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import load
from bench.fields import Field
from bench.figures import percentile
from bench.load import Load, Work
from bench.paces import USUAL
from bench.targets import DIRECT

WARM_UP_REQUESTS = 10
Loads = Mapping[str, Sequence[Load]]


@dataclass(frozen=True)
class Section:
    """A part of the page, as Markdown, and what went wrong while it was measured."""

    text: str
    errors: Sequence[str] = ()


def warm_up(place: Field) -> None:
    """What only the first requests pay for: imports, caches, connections."""
    for target in place.targets:
        for stream in (False, True):
            load.put(target, WARM_UP_REQUESTS, Work(stream, USUAL, times=1))


def rounds_of(place: Field, number: int, clients: int, work: Work) -> Loads:
    """The same work on every target, round after round."""
    found: dict[str, list[Load]] = {target.name: [] for target in place.targets}
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


def beside_direct(found: Loads, of: Callable[[Load], float]) -> Mapping[str, Sequence[float]]:
    """By how much each round's figure is more than the upstream's own in the same round."""
    return {
        name: [of(one) - of(base) for one, base in zip(loads, found[DIRECT], strict=True)]
        for name, loads in found.items()
    }


def first_ms(percent: float) -> Callable[[Load], float]:
    """A percentile of the milliseconds to the first event."""
    return lambda one: percentile(one.first_seconds, percent) * 1000


def whole_ms(percent: float) -> Callable[[Load], float]:
    """A percentile of the milliseconds of whole answers."""
    return lambda one: percentile(one.whole_seconds, percent) * 1000


def stretch(percent: float, ideal_seconds: float) -> Callable[[Load], float]:
    """A percentile of how much longer than the ideal whole streams took."""
    return lambda one: percentile(one.whole_seconds, percent) / (ideal_seconds or math.nan)


def errors_of(found: Loads) -> Iterator[str]:
    """All that went wrong, by target."""
    return (f"{name}: {error}" for name, loads in found.items() for one in loads for error in one.errors)
