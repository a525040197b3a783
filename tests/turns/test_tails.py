"""Tails: the logs of turns that are made elsewhere grow here as they are stored there."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import pytest

from app.claude.events import Event
from app.turns import tails as module
from app.turns.tails import Seen, Tails


def event(number: int) -> Event:
    return Event.made("ping", {"number": number})


class Elsewhere:
    """What another process has stored; how often it was looked at, and what for."""

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {}
        self.running: set[str] = set()
        self.looks: list[Mapping[str, int]] = []
        self.errors: list[Exception] = []
        self.lock = threading.Lock()

    def __call__(self, after: Mapping[str, int]) -> Seen:
        with self.lock:
            self.looks.append(after)
            if self.errors:
                raise self.errors.pop()
            fresh = {one: self.events.get(one, [])[number:] for one, number in after.items()}
            return Seen({one: found for one, found in fresh.items() if found}, frozenset(self.running))

    def say(self, message_id: str, *events: Event) -> None:
        with self.lock:
            self.events.setdefault(message_id, []).extend(events)
            self.running.add(message_id)

    def end(self, message_id: str, *events: Event) -> None:
        with self.lock:
            self.events[message_id].extend(events)
            self.running.discard(message_id)


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def tails(elsewhere: Elsewhere) -> Tails:
    return Tails(elsewhere)


def test_where_nothing_is_stored_there_is_no_log(tails: Tails, elsewhere: Elsewhere) -> None:
    assert tails.find("msg_1") is None
    assert elsewhere.looks == [{"msg_1": 0}]


def test_a_turn_that_has_ended_is_read_whole_and_not_looked_at_again(
    tails: Tails, elsewhere: Elsewhere
) -> None:
    elsewhere.say("msg_1", event(0), event(1))
    elsewhere.end("msg_1")
    log = tails.find("msg_1")
    assert log
    assert log.is_closed
    assert list(log.follow(1)) == [(2, event(1))]
    time.sleep(module.PAUSE_SECONDS * 2)
    assert len(elsewhere.looks) == 1


def test_a_turn_that_runs_is_followed_to_its_end(tails: Tails, elsewhere: Elsewhere) -> None:
    elsewhere.say("msg_1", event(0))
    log = tails.find("msg_1")
    assert log
    reader = log.follow()
    assert next(reader) == (1, event(0))
    elsewhere.say("msg_1", event(1), event(2))
    assert [next(reader), next(reader)] == [(2, event(1)), (3, event(2))]
    elsewhere.end("msg_1", event(3))
    assert list(reader) == [(4, event(3))], "what came with the end is not lost"
    looks = len(elsewhere.looks)
    time.sleep(module.PAUSE_SECONDS * 3)
    assert len(elsewhere.looks) == looks, "nobody looks any more"
    again = tails.find("msg_1")
    assert again
    assert again is not log
    assert again.events == log.events


def test_all_who_follow_share_one_log_and_all_logs_one_look(tails: Tails, elsewhere: Elsewhere) -> None:
    ids = [f"msg_{number}" for number in range(10)]
    for one in ids:
        elsewhere.say(one, event(0))
    logs = [tails.find(one) for one in ids]
    assert [tails.find(one) for one in ids] == logs
    elsewhere.looks.clear()
    for one in ids:
        elsewhere.end(one, event(1))
    for log in logs:
        assert log
        assert log.wait(10)
        assert log.events == [event(0), event(1)]
    assert len(elsewhere.looks) < 5


def test_a_look_that_fails_is_repeated(tails: Tails, elsewhere: Elsewhere) -> None:
    elsewhere.say("msg_1", event(0))
    log = tails.find("msg_1")
    assert log
    elsewhere.errors.append(OSError("gone for a moment"))
    elsewhere.end("msg_1", event(1))
    assert log.wait(10)
    assert log.events == [event(0), event(1)]


def test_who_comes_first_at_the_same_moment_makes_the_log_of_all(tails: Tails, elsewhere: Elsewhere) -> None:
    elsewhere.say("msg_1", event(0))
    found, begun = list[object](), threading.Barrier(8)

    def find() -> None:
        begun.wait()
        found.append(tails.find("msg_1"))

    threads = [threading.Thread(target=find) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({id(one) for one in found}) == 1
    elsewhere.end("msg_1")
