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

    log = runner.start("msg_1", work)
    assert runner.running == ["msg_1"]
    may_end.set()
    assert [one[0] for one in log.follow() if one] == [1]
    assert runner.running == []


def test_whatever_fails_the_log_is_closed_and_says_so() -> None:
    def work(log: Log) -> None:
        raise KeyError("clq_secret")

    log = Runner().start("msg_1", work)
    events = [one[1] for one in log.follow() if one]
    assert [one.name for one in events] == ["error"]
    assert events[0].payload["code"] == "internal_error"
    assert "secret" not in events[0].text
    assert log.error
