"""Ending a call from another thread."""

from __future__ import annotations

import threading
import time

from app.claude.stop import CURRENT, Stop


def test_the_first_reason_counts() -> None:
    stop = Stop()
    assert (stop.is_set, stop.reason) == (False, None)
    stop.set("cancelled")
    stop.set("interrupted")
    assert (stop.is_set, stop.reason) == (True, "cancelled")


def test_waiting_ends_at_once_when_it_is_set() -> None:
    stop, began_at = Stop(), time.monotonic()
    assert not stop.wait(0.01)
    threading.Timer(0.05, stop.set, ["cancelled"]).start()
    assert stop.wait(30)
    assert stop.wait(30)
    assert time.monotonic() - began_at < 5


def test_the_connection_in_use_is_closed_and_only_that() -> None:
    stop, closed = Stop(), list[str]()
    with stop.at_work():
        stop.attach(lambda: closed.append("first"))
        stop.attach(lambda: closed.append("second"))
        assert closed == []
        stop.set("cancelled")
    assert closed == ["second"]


def test_a_connection_that_comes_too_late_is_closed_at_once() -> None:
    stop, closed = Stop(), list[str]()
    stop.set("interrupted")
    with stop.at_work():
        stop.attach(lambda: closed.append("late"))
    assert closed == ["late"]


def test_a_connection_that_serves_another_call_by_now_is_left_alone() -> None:
    stop, closed = Stop(), list[str]()
    with stop.at_work():
        stop.attach(lambda: closed.append("mine"))
    stop.set("cancelled")
    assert closed == []


def test_each_thread_works_for_its_own_call() -> None:
    found: dict[int, bool] = {}
    begun = threading.Barrier(4)

    def work(number: int) -> None:
        stop = Stop()
        with stop.at_work():
            begun.wait()
            found[number] = CURRENT.get() is stop
        found[number] = found[number] and CURRENT.get() is None

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == dict.fromkeys(range(4), True)
