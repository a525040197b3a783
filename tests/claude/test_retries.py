"""The retry policy, by values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.claude import failures
from app.claude.retries import LONGEST_WAIT_SECONDS, Policy, until_first, wait_seconds
from app.errors import ColloquyError, UpstreamFailed, UpstreamOverloaded


def failing(status: int, retry_after: str | None = None) -> ColloquyError:
    return failures.from_status(status, None, "", "req", retry_after)


def at_once(_: float) -> bool:
    return False


class Attempts:
    """Fails as told, then yields two items; fails again in between when told."""

    def __init__(self, *errors: ColloquyError, breaks: ColloquyError | None = None) -> None:
        self.errors = list(errors)
        self.breaks = breaks
        self.count = 0

    def __call__(self) -> Iterator[int]:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        yield 1
        if self.breaks:
            raise self.breaks
        yield 2


def test_transient_errors_before_the_first_item_are_tried_again() -> None:
    attempts, waits = Attempts(failing(529), failing(500)), list[float]()
    assert list(until_first(attempts, Policy(4, 60), lambda wait: bool(waits.append(wait)))) == [1, 2]
    assert attempts.count == 3
    assert waits[0] < waits[1] * 2 + 1


def test_whoever_stops_the_waiting_gets_the_error_and_no_further_try() -> None:
    attempts, waits = Attempts(failing(529), failing(500)), list[float]()

    def stop_at_second(wait: float) -> bool:
        waits.append(wait)
        return len(waits) == 2

    with pytest.raises(UpstreamFailed):
        list(until_first(attempts, Policy(4, 60), stop_at_second))
    assert (attempts.count, len(waits)) == (2, 2)


def test_nothing_is_tried_again_after_the_first_item() -> None:
    attempts = Attempts(breaks=failing(529))
    items = until_first(attempts, Policy(4, 60), at_once)
    assert next(items) == 1
    with pytest.raises(UpstreamOverloaded):
        next(items)
    assert attempts.count == 1


def test_tries_and_the_deadline_bound_it() -> None:
    many = Attempts(*(failing(500) for _ in range(9)))
    with pytest.raises(UpstreamFailed):
        list(until_first(many, Policy(3, 60), at_once))
    assert many.count == 3
    late = Attempts(failing(500))
    with pytest.raises(UpstreamFailed):
        list(until_first(late, Policy(3, 0), at_once))
    assert late.count == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    assert wait_seconds(failing(status), 1) is None


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is(status: int) -> None:
    assert wait_seconds(failing(status), 1) is not None


def test_retry_after_is_respected_and_capped() -> None:
    assert wait_seconds(failing(429, "3"), 1) == 3
    assert wait_seconds(failing(429, str(LONGEST_WAIT_SECONDS + 1)), 1) is None, "the caller is told instead"
    assert wait_seconds(failing(429, "Wed, 21 Oct 2026 07:28:00 GMT"), 1) is not None
