"""Calls that are given up."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from app.claude.stop import Stop
from app.tools.timed import GivenUp, run


def test_what_it_returns_or_raises_comes_back() -> None:
    assert run(lambda _: 3, Stop(), 5) == 3
    with pytest.raises(ZeroDivisionError):
        run(lambda _: 1 // 0, Stop(), 5)


def test_an_act_that_takes_too_long_is_given_up_and_told() -> None:
    told = threading.Event()

    def act(stop: Stop) -> None:
        if stop.wait(30):
            told.set()

    began_at = time.monotonic()
    with pytest.raises(GivenUp, match=r"longer than 0\.2 seconds") as found:
        run(act, Stop(), 0.2)
    assert found.value.status == "timeout"
    assert time.monotonic() - began_at < 5
    assert told.wait(5)


def test_it_is_given_up_when_its_turn_ends() -> None:
    turn, reasons = Stop(), list[str | None]()

    def act(stop: Stop) -> None:
        stop.wait(30)
        reasons.append(stop.reason)

    threading.Timer(0.1, turn.set, ["cancelled"]).start()
    began_at = time.monotonic()
    with pytest.raises(GivenUp, match="cancelled") as found:
        run(act, turn, 30)
    assert found.value.status == "cancelled"
    assert time.monotonic() - began_at < 5
    for _ in range(100):
        if reasons:
            break
        time.sleep(0.01)
    assert reasons == ["cancelled"]


def test_where_the_turn_has_ended_already_it_does_not_begin() -> None:
    turn, begun = Stop(), list[int]()
    turn.set("interrupted")
    with pytest.raises(GivenUp):
        run(lambda _: begun.append(1), turn, 30)
    assert begun == []


def test_an_act_that_ends_its_thread_is_not_waited_for() -> None:
    began_at = time.monotonic()
    with pytest.raises(RuntimeError, match="SystemExit"):
        run(lambda _: sys.exit(3), Stop(), 30)
    assert time.monotonic() - began_at < 5


def test_its_own_time_out_is_an_error_of_its_own() -> None:
    def act(_: Stop) -> None:
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match="the database"):
        run(act, Stop(), 30)
