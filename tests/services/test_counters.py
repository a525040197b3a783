"""Counters: exact however many count at once, and begun anew when their time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from limits import RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import delete

from app.models.rate_counters import RateCounter
from app.services.counters import Counters, delete_expired
from app.services.transactions import reading, writing
from tests.services.conftest import at_once
from tests.support import CountRows

TWO_IN_TWO_SECONDS = RateLimitItemPerSecond(2, 2)


@pytest.fixture(autouse=True)
def inside(app: Flask) -> Iterator[None]:
    """An app context, and no counters after the test."""
    with app.app_context():
        yield
        with writing() as session:
            session.execute(delete(RateCounter))


def counted(key: str = "k", expiry: float = 60, amount: int = 1) -> int:
    with writing() as session:
        return Counters(session).incr(key, expiry, amount)


def hit() -> bool:
    with writing() as session:
        return FixedWindowRateLimiter(Counters(session)).hit(TWO_IN_TWO_SECONDS, "ada")


def seen(key: str = "k") -> tuple[int, float]:
    with reading() as session:
        counters = Counters(session)
        return counters.get(key), counters.get_expiry(key)


def test_what_is_counted_adds_up_and_does_not_prolong_the_window() -> None:
    assert (counted(), counted(amount=5), counted("other")) == (1, 6, 1)
    value, ends_at = seen()
    time.sleep(0.05)
    assert counted(expiry=600) == value + 1
    assert seen() == (7, ends_at)
    assert 55 < ends_at - time.time() <= 60


def test_a_counter_that_is_not_there_is_zero_and_ends_now() -> None:
    value, ends_at = seen("nothing")
    assert value == 0
    assert abs(ends_at - time.time()) < 1


def test_a_window_that_is_over_counts_no_more_and_the_next_begins_with_the_next() -> None:
    assert counted(expiry=1) == 1
    assert counted(expiry=1) == 2
    time.sleep(1.1)
    assert seen()[0] == 0
    assert counted(expiry=60) == 1
    assert seen()[1] > time.time() + 50


def test_so_many_in_a_window_and_in_the_next_as_many_again() -> None:
    for _ in range(2):
        began_at = time.monotonic()
        assert [hit() for _ in range(4)] == [True, True, False, False]
        time.sleep(max(0, began_at + 2.1 - time.monotonic()))


def test_twenty_at_once_are_all_counted(app: Flask) -> None:
    def count_often() -> list[int]:
        return [counted(amount=1) for _ in range(10)]

    numbers = [one for found in at_once(app, [count_often] * 20) for one in found]
    assert sorted(numbers) == list(range(1, 201))


def test_twenty_at_once_pass_the_end_of_a_window_once(app: Flask) -> None:
    counted(expiry=0.1, amount=1000)
    time.sleep(0.15)
    acts: list[Callable[[], Any]] = [counted] * 20
    assert sorted(at_once(app, acts)) == list(range(1, 21))


def test_what_is_not_committed_is_not_counted() -> None:
    def count_and_fail() -> None:
        with writing() as session:
            Counters(session).incr("k", 60)
            raise KeyError

    with pytest.raises(KeyError):
        count_and_fail()
    assert counted() == 1


def test_several_are_looked_at_together() -> None:
    counted("a", amount=3)
    counted("b", expiry=0.01)
    time.sleep(0.05)
    with reading() as session:
        counters = Counters(session)
        counters.look(["a", "b", "c"])
        assert [counters.get(key) for key in "abc"] == [3, 0, 0]
        counters.look(["a"])


def test_only_what_is_over_is_deleted(count_rows: CountRows) -> None:
    counted("old", expiry=0.01)
    counted("new")
    time.sleep(0.05)
    with writing() as session:
        delete_expired(session)
    assert count_rows()["rate_counters"] == 1
    assert seen("new")[0] == 1


def test_counters_can_be_forgotten_as_the_library_asks_for_it() -> None:
    counted("a")
    counted("b")
    with writing() as session:
        counters = Counters(session)
        assert counters.check()
        assert counters.get("a") == 1
        counters.clear("a")
        assert counters.get("a") == 0
        assert counters.reset() == 1
    assert seen("b")[0] == 0
