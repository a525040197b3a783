"""Turns in the background."""

from __future__ import annotations

import threading

from app.claude.events import Event
from app.turns.log import Log
from app.turns.runner import Runner


def test_a_turn_runs_in_the_background_and_is_known_while_it_does() -> None:
    runner, may_end = Runner(), threading.Event()

    def work(log: Log) -> None:
        may_end.wait()
        log.append(Event.made("ping", {}))

    log = runner.start("msg_1", work, print)
    assert runner.running == ["msg_1"]
    may_end.set()
    assert [one[0] for one in log.follow() if one] == [1]
    assert runner.running == []


def test_whatever_fails_the_log_is_closed_and_says_so() -> None:
    def work(log: Log) -> None:
        raise KeyError("clq_secret")

    def give_up(log: Log) -> None:
        log.append(Event.made("error", {}))

    log = Runner().start("msg_1", work, give_up)
    assert [one[1].name for one in log.follow() if one] == ["error"]


def test_waiting_ends_with_the_last_turn_or_when_time_is_up() -> None:
    runner, may_end = Runner(), threading.Event()
    log = runner.start("msg_1", lambda _: bool(may_end.wait()) and None, print)
    runner.wait(0)
    assert runner.running == ["msg_1"]
    may_end.set()
    assert list(log.follow()) == []
    runner.wait(10)
    assert runner.running == []
