"""The log: one writer, many readers, each from any number on."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from app.claude.events import Event
from app.turns.log import Log


def event(number: int) -> Event:
    return Event.made("ping", {"number": number})


@given(st.integers(0, 20), st.integers(0, 25))
def test_a_reader_gets_all_that_comes_after_its_number(count: int, after: int) -> None:
    log = Log()
    for number in range(1, count + 1):
        log.append(event(number))
    log.close()
    found = [one[0] for one in log.follow(after) if one]
    assert found == list(range(after + 1, count + 1))


def test_readers_that_come_early_late_and_never_wait_for_each_other() -> None:
    log, found = Log(), list[list[int]]()

    def read() -> None:
        found.append([one[1].payload["number"] for one in log.follow() if one])

    early = [threading.Thread(target=read) for _ in range(5)]
    for one in early:
        one.start()
    for number in range(100):
        log.append(event(number))
    late = threading.Thread(target=read)
    late.start()
    log.close()
    for one in [*early, late]:
        one.join()
    assert found == [list(range(100))] * 6


def test_silence_is_told() -> None:
    log = Log()
    reader = log.follow(ping_seconds=0.01)
    assert next(reader) is None
    log.append(event(1))
    log.close()
    assert [one and one[0] for one in reader] == [1]
