"""The one retry policy: only before the first event, capped, with jitter and a deadline."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from app.claude.failures import is_transient
from app.errors import ColloquyError
from app.telemetry import metrics

T = TypeVar("T")
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Policy:
    """How often a call is tried, and after how many seconds no further try begins."""

    tries: int
    deadline_seconds: float


def until_first(
    attempt: Callable[[], Iterator[T]], policy: Policy, wait_or_stop: Callable[[float], bool]
) -> Iterator[T]:
    """The items of the first attempt that yields one. Transient errors before that are tried again.

    `wait_or_stop` waits so many seconds, or says that no further try is wanted.
    """
    ends_at = time.monotonic() + policy.deadline_seconds
    for tries in itertools.count(1):
        items = attempt()
        try:
            first = next(items)
            break
        except ColloquyError as error:
            wait = wait_seconds(error, tries)
            if tries >= policy.tries or wait is None or time.monotonic() + wait > ends_at:
                raise
            if wait_or_stop(wait):
                raise
            metrics.RETRIES.labels(error.code).inc()
    metrics.note_first_event()
    yield first
    yield from items


def wait_seconds(error: ColloquyError, tries: int) -> float | None:
    """How long to wait after so many tries; None where trying again is no use.

    What Claude asks for in Retry-After is respected; if that is longer than we wait, the caller is told
    instead.
    """
    if not is_transient(error):
        return None
    backoff: float = min(FIRST_WAIT_SECONDS * 2 ** (tries - 1), LONGEST_WAIT_SECONDS)
    asked = error.headers.get("Retry-After", "")
    if asked.replace(".", "", 1).isdecimal():
        return max(float(asked), backoff) if float(asked) <= LONGEST_WAIT_SECONDS else None
    return backoff * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
