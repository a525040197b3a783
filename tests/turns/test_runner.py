"""Turns in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.claude.events import Event
from app.turns import runner as module
from app.turns.log import Log
from app.turns.runner import Runner, Running, keep_doing


def never(turn: Running) -> None:
    raise AssertionError("nothing failed")


def until(may_end: threading.Event) -> Callable[[Running], None]:
    def work(_: Running) -> None:
        may_end.wait()

    return work


def test_a_turn_runs_in_the_background_and_is_known_while_it_does() -> None:
    runner, may_end = Runner(), threading.Event()

    def work(turn: Running) -> None:
        may_end.wait()
        turn.log.append(Event.made("ping", {}))
        turn.log.wrote(1)

    log = Log("msg_1")
    turn = runner.start(log, work, never)
    assert runner.running == ["msg_1"]
    assert runner.find("msg_1") is turn
    assert turn.log is log
    may_end.set()
    assert [one[0] for one in log.follow() if one] == [1]
    assert runner.running == []
    assert runner.find("msg_1") is None


def test_whatever_fails_the_log_is_closed_and_says_so() -> None:
    def work(turn: Running) -> None:
        raise KeyError("clq_secret")

    def give_up(turn: Running) -> None:
        turn.log.finish([Event.made("error", {})])

    log = Log("msg_1")
    Runner().start(log, work, give_up)
    assert [one[1].name for one in log.follow() if one] == ["error"]


def test_a_log_that_giving_up_left_open_is_closed_all_the_same() -> None:
    def work(turn: Running) -> None:
        turn.log.append(Event.made("ping", {}))
        raise KeyError("clq_secret")

    log = Log("msg_1")
    Runner().start(log, work, lambda _: None)
    assert list(log.follow()) == []
    assert log.wait(10)


def test_waiting_ends_with_the_last_turn_or_when_time_is_up() -> None:
    runner, may_end, log = Runner(), threading.Event(), Log("msg_1")
    runner.start(log, until(may_end), never)
    assert not runner.wait(0)
    assert runner.running == ["msg_1"]
    may_end.set()
    assert list(log.follow()) == []
    assert runner.wait(10)
    assert runner.running == []


def test_all_can_be_stopped_and_each_is_told_why() -> None:
    runner, found = Runner(), list[str | None]()

    def work(turn: Running) -> None:
        if turn.stop.wait(10):
            found.append(turn.stop.reason)

    for number in range(3):
        runner.start(Log(f"msg_{number}"), work, never)
    runner.stop_all("interrupted")
    assert runner.wait(10)
    assert found == ["interrupted"] * 3


def test_what_is_kept_doing_goes_on_after_an_error_and_ends_when_it_says_so() -> None:
    acts, ended = list[int](), threading.Event()

    def act() -> bool:
        acts.append(len(acts))
        if len(acts) == 2:
            raise KeyError("once")
        if len(acts) == 4:
            ended.set()
        return len(acts) < 4

    keep_doing(act)
    assert ended.wait(10 + module.PAUSE_AFTER_FAILURE_SECONDS)
    assert acts == [0, 1, 2, 3]


def test_a_turn_whose_end_is_told_is_not_waited_for_though_its_connection_is_still_to_be_ended() -> None:
    runner, may_end, log = Runner(), threading.Event(), Log("msg_1")

    def work(turn: Running) -> None:
        turn.log.finish([Event.made("colloquy.done", {})])
        may_end.wait(10)

    turn = runner.start(log, work, never)
    assert log.wait(10)
    assert runner.running == []
    assert runner.wait(0)
    assert runner.find("msg_1") is turn, "it can still be told to stop"
    may_end.set()
