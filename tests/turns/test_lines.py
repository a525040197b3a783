"""Waiting in line, and for a crowd to leave."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from app.turns.lines import Crowd, Lines


def test_the_first_may_go_on_and_each_of_the_others_after_the_one_before() -> None:
    lines = Lines()
    with ExitStack() as first, ExitStack() as second, ExitStack() as third:
        places = [one.enter_context(lines.waiting("a")) for one in (first, second, third)]
        assert [one.is_set() for one in places] == [True, False, False]
        first.close()
        assert [one.is_set() for one in places[1:]] == [True, False]
        second.close()
        assert places[2].is_set()


def test_who_gives_up_holds_nobody_up() -> None:
    lines = Lines()
    with ExitStack() as first, ExitStack() as second, ExitStack() as third:
        places = [one.enter_context(lines.waiting("a")) for one in (first, second, third)]
        second.close()
        assert not places[2].is_set()
        first.close()
        assert places[2].is_set()


def test_lines_know_nothing_of_each_other_and_nothing_is_kept_of_an_empty_one() -> None:
    lines = Lines()
    with lines.waiting("a") as one, lines.waiting("b") as other:
        assert one.is_set()
        assert other.is_set()
    assert lines._lines == {}


def test_an_error_leaves_the_line() -> None:
    lines = Lines()
    with pytest.raises(KeyError), lines.waiting("a"):
        raise KeyError
    with lines.waiting("a") as place:
        assert place.is_set()


def test_many_come_through_one_at_a_time_in_the_order_they_came() -> None:
    lines, order, inside = Lines(), list[int](), list[int]()

    def come(number: int, stands: threading.Event) -> None:
        with lines.waiting("a") as place:
            stands.set()
            assert place.wait(10)
            inside.append(number)
            assert inside == [number], "alone"
            time.sleep(0.001)
            order.append(inside.pop())

    threads = []
    with lines.waiting("a"):
        for number in range(20):
            stands = threading.Event()
            threads.append(threading.Thread(target=come, args=(number, stands)))
            threads[-1].start()
            stands.wait()
    for one in threads:
        one.join()
    assert order == list(range(20))


def test_nobody_is_waited_for_where_nobody_is() -> None:
    assert Crowd().wait_for_none(0)


def test_a_crowd_is_waited_for_until_the_last_has_left() -> None:
    crowd, may_leave, waited = Crowd(), threading.Event(), list[bool]()
    are_inside = threading.Barrier(4)

    def come() -> None:
        with crowd:
            are_inside.wait(10)
            may_leave.wait(10)

    threads = [threading.Thread(target=come) for _ in range(3)]
    for one in threads:
        one.start()
    are_inside.wait(10)
    assert not crowd.wait_for_none(0.05), "they are still in it"
    waiting = threading.Thread(target=lambda: waited.append(crowd.wait_for_none(10)))
    waiting.start()
    may_leave.set()
    for one in [*threads, waiting]:
        one.join(10)
    assert waited == [True]


def test_an_error_leaves_the_crowd() -> None:
    crowd = Crowd()
    with pytest.raises(KeyError), crowd:
        raise KeyError
    assert crowd.wait_for_none(0)
    with crowd, crowd:
        assert not crowd.wait_for_none(0)
    assert crowd.wait_for_none(0)
