"""The log: one writer, many readers, each from any number on, and none sees what is not stored."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from app.claude.events import Event
from app.turns.log import Log, Numbered


def event(number: int) -> Event:
    return Event.made("ping", {"number": number})


def events(count: int) -> list[Event]:
    return [event(number) for number in range(1, count + 1)]


def numbers(found: Iterable[Numbered | None]) -> list[int]:
    return [one[0] for one in found if one]


@given(st.integers(0, 20), st.integers(0, 25), st.integers(0, 20))
def test_a_reader_gets_all_that_comes_after_its_number(count: int, after: int, first: int) -> None:
    log = Log("msg_1", events(min(first, count)))
    for one in events(count)[first:]:
        log.append(one)
    log.wrote(count)
    log.finish(())
    assert numbers(log.follow(after)) == list(range(after + 1, count + 1))


def test_readers_that_come_early_late_and_never_wait_for_each_other() -> None:
    log, found = Log("msg_1"), list[list[int]]()

    def read() -> None:
        found.append([one[1].payload["number"] for one in log.follow() if one])

    early = [threading.Thread(target=read) for _ in range(5)]
    for one in early:
        one.start()
    for number in range(100):
        log.append(event(number))
        log.wrote(number + 1)
    late = threading.Thread(target=read)
    late.start()
    log.finish(())
    for one in [*early, late]:
        one.join()
    assert found == [list(range(100))] * 6


def test_silence_is_told() -> None:
    log = Log("msg_1")
    reader = log.follow(ping_seconds=0.01)
    assert next(reader) is None
    log.append(event(1))
    log.wrote(1)
    log.finish(())
    assert [one and one[0] for one in reader] == [1]


def test_nobody_reads_what_is_not_stored() -> None:
    log = Log("msg_1")
    reader = log.follow(ping_seconds=0.01)
    for one in events(3):
        log.append(one)
    assert next(reader) is None
    assert (log.events, log.unwritten(), log.written) == (events(3), events(3), 0)
    log.wrote(2)
    assert numbers([next(reader), next(reader)]) == [1, 2]
    assert next(reader) is None
    assert log.unwritten() == events(3)[2:]
    log.wrote(1)
    assert log.written == 2, "a late word about less takes nothing back"


def test_the_ending_takes_the_place_of_what_was_never_stored() -> None:
    log = Log("msg_1", events(1))
    log.append(event(2))
    done = Event.made("colloquy.done", {})
    log.finish([done])
    assert log.is_closed
    assert [one and one[1] for one in log.follow()] == [event(1), done]
    assert (log.events, log.unwritten()) == ([event(1), done], [])


def test_what_another_process_stored_is_read_as_it_is_seen() -> None:
    log = Log("msg_1", events(1))
    reader = log.follow(ping_seconds=0.01)
    assert numbers([next(reader), next(reader)]) == [1]
    log.grow(events(3)[1:])
    assert numbers([next(reader), next(reader)]) == [2, 3]
    log.finish(())
    assert list(reader) == []


def test_whoever_writes_is_told_of_news_and_of_a_reader_who_waits_for_it() -> None:
    told: list[tuple[str, bool]] = []
    log = Log("msg_1")
    log.write_with(lambda one: told.append((one.message_id, one.is_followed)))
    log.append(event(1))
    assert told == [("msg_1", False)]
    reader = log.follow(ping_seconds=0.01)
    assert next(reader) is None
    assert told == [("msg_1", False), ("msg_1", True)]
    reader.close()  # type: ignore[attr-defined]
    assert not log.is_followed
    log.wrote(1)
    assert numbers([next(log.follow())]) == [1]
    assert len(told) == 2, "where all is stored there is nothing to ask for"


def test_waiting_ends_with_the_log_or_when_time_is_up() -> None:
    log = Log("msg_1")
    assert not log.wait(0.01)
    threading.Timer(0.02, log.finish, [()]).start()
    assert log.wait(10)
    assert log.wait()


def test_what_is_said_to_be_stored_after_the_end_keeps_no_reader() -> None:
    log = Log("m", [event(1), event(2)])
    log.append(event(3))
    log.finish(())
    log.wrote(3)
    assert numbers(log.follow()) == [1, 2]
    assert numbers(log.follow(after=2)) == []
