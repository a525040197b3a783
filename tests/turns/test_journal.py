"""The journal: what running turns say is written down, many logs in one go, and nothing is left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from app.claude.events import Event
from app.turns import journal as module
from app.turns.journal import Journal
from app.turns.log import Log


def event(number: int) -> Event:
    return Event.made("ping", {"number": number})


class Store:
    """What is written, by message id; each write fails as told, or waits to be let in."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.events: dict[str, list[Event]] = {}
        self.writes: list[list[str]] = []
        self.may_write = threading.Event()
        self.may_write.set()

    def __call__(self, logs: Sequence[Log]) -> None:
        self.may_write.wait()
        self.writes.append([log.message_id for log in logs])
        if self.errors:
            raise self.errors.pop(0)
        for log in logs:
            fresh = log.unwritten()
            self.events.setdefault(log.message_id, []).extend(fresh)
            log.wrote(log.written + len(fresh))


def log_in(journal: Journal, message_id: str = "msg_1") -> Log:
    log = Log(message_id)
    log.write_with(journal.note)
    return log


def wait_for_all(log: Log, count: int) -> None:
    for _ in range(1_000):
        if log.written == count:
            return
        time.sleep(0.01)
    raise AssertionError(f"{log.written} of {count} are written")


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.may_write.set()


def test_what_is_said_is_written_and_then_read(store: Store) -> None:
    log = log_in(Journal(store))
    reader = log.follow()
    for number in range(5):
        log.append(event(number))
    assert [next(reader) for _ in range(5)] == [(number + 1, event(number)) for number in range(5)]
    assert store.events["msg_1"] == log.events


def test_what_comes_during_a_write_is_in_the_next_each_once_and_in_order(store: Store) -> None:
    log = log_in(Journal(store))
    for number in range(200):
        log.append(event(number))
        time.sleep(0.001)
    wait_for_all(log, 200)
    assert store.events["msg_1"] == log.events
    assert len(store.writes) < 100, "many in one go"


def test_many_logs_are_written_in_one_go(store: Store) -> None:
    journal = Journal(store)
    store.may_write.clear()
    first = log_in(journal, "msg_0")
    first.append(event(0))
    reader = threading.Thread(target=lambda: next(first.follow()))
    reader.start()
    time.sleep(module.UNREAD_SECONDS)
    logs = [log_in(journal, f"msg_{number}") for number in range(1, 20)]
    for log in logs:
        log.append(event(0))
    store.may_write.set()
    for log in [first, *logs]:
        wait_for_all(log, 1)
    reader.join()
    assert store.writes == [["msg_0"], [log.message_id for log in logs]]


def test_what_a_reader_waits_for_is_written_at_once_and_the_rest_a_little_later(store: Store) -> None:
    journal = Journal(store)
    unread, read = log_in(journal, "msg_1"), log_in(journal, "msg_2")
    began_at = time.monotonic()
    unread.append(event(0))
    wait_for_all(unread, 1)
    assert time.monotonic() - began_at > module.UNREAD_SECONDS * 0.9
    began_at = time.monotonic()
    threading.Timer(0.01, read.append, [event(0)]).start()
    assert next(read.follow()) == (1, event(0))
    assert time.monotonic() - began_at < module.UNREAD_SECONDS * 0.9


def test_a_reader_who_comes_while_it_waits_for_more_is_served_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNREAD_SECONDS", 10.0)
    log = log_in(Journal(store))
    log.append(event(0))
    began_at = time.monotonic()
    assert next(log.follow()) == (1, event(0))
    assert time.monotonic() - began_at < 5


def test_a_write_that_fails_is_tried_again_and_nothing_is_lost() -> None:
    store = Store(OSError("full"), OSError("still full"))
    log = log_in(Journal(store))
    for number in range(3):
        log.append(event(number))
    wait_for_all(log, 3)
    assert store.events["msg_1"] == log.events
    assert len(store.writes) == 3


def test_a_log_that_another_thread_is_writing_is_left_to_it(store: Store) -> None:
    journal = Journal(store)
    log, other = log_in(journal, "msg_1"), log_in(journal, "msg_2")
    with log.writer:
        log.append(event(0))
        other.append(event(0))
        wait_for_all(other, 1)
        assert log.written == 0
        log.finish([event(0), event(1)])
    assert store.writes == [["msg_2"]]
    assert [one and one[1] for one in log.follow()] == [event(0), event(1)]


def test_a_log_without_news_is_not_written(store: Store) -> None:
    journal = Journal(store)
    log, other = Log("msg_1", [event(0)]), log_in(journal, "msg_2")
    journal.note(log)
    other.append(event(0))
    wait_for_all(other, 1)
    assert store.writes == [["msg_2"]]


def test_after_a_long_rest_it_begins_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    journal = Journal(store)
    for number in range(3):
        log = log_in(journal, f"msg_{number}")
        log.append(event(0))
        wait_for_all(log, 1)
        time.sleep(0.1)
        assert not journal._has_thread
