"""Sending from many sides at once, on both databases: a path without a gap, and nothing half stored."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.claude.simulator import Simulator
from app.errors import (
    ColloquyError,
    ContextOverflow,
    Draining,
    IdempotencyKeyReused,
    NotFound,
    SessionBusy,
    UpstreamFailed,
)
from app.extensions import db, dialect, parts
from app.models.messages import Message
from app.models.turns import Turn
from app.services import branches, preparations, sessions, turns
from app.services.idempotency import Claim
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.preparations import Draft, HeadMoved
from app.services.settings import Wishes
from app.services.transactions import reading
from app.services.turns import TRIES_AT_THE_HEAD, Begun
from tests.services.conftest import REQUEST_ID, at_once, draft, say
from tests.support import CountRows

SENDERS, SENDS = 8, 3
SLOW = "[[reply: words=15 seconds_per_event=0.02]]"


class Overtaken(list[dict[str, Any]]):
    """Content that is overtaken: each time that it is read, something else happens, but only so often."""

    def __init__(self, text: str, meanwhile: Callable[[], Any], times: int) -> None:
        super().__init__([{"type": "text", "text": text}])
        self.meanwhile = meanwhile
        self.times = times

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self.times:
            self.times -= 1
            self.meanwhile()
        return super().__iter__()


def path_of(caller: Caller, session_id: str) -> list[Message]:
    return list(sessions.path_page(caller, session_id, Ask(limit=1_000)).rows)


def is_chain(path: list[Message]) -> bool:
    """Whether each follows the one before, and person and Claude take turns."""
    parents = [None, *(one.id for one in path)]
    roles = [one.role for one in path]
    return (
        [one.parent_id for one in path] == parents[:-1]
        and [one.depth for one in path] == list(range(len(path)))
        and roles == ["user", "assistant"] * (len(path) // 2)
    )


@contextmanager
def listening(name: str, listener: Callable[..., None]) -> Iterator[None]:
    event.listen(db.engine, name, listener)
    try:
        yield
    finally:
        event.remove(db.engine, name, listener)


def left_running() -> list[str]:
    with reading() as session:
        return [one.message_id for one in session.scalars(select(Turn))]


def test_of_sends_to_one_session_at_once_each_is_answered_or_told_to_wait(app: Flask, ada: Caller) -> None:
    session_id = sessions.create(ada, {}).chat.id

    def send(number: int) -> list[Any]:
        found: list[Any] = []
        for turn in range(SENDS):
            try:
                found.append(say(ada, f"{number}.{turn}", session_id)[1].id)
            except SessionBusy as busy:
                found.append(busy)
        return found

    results = at_once(app, [functools.partial(send, number) for number in range(SENDERS)])
    answered = {one for found in results for one in found if isinstance(one, str)}
    path = path_of(ada, session_id)
    assert answered
    assert is_chain(path)
    assert {one.id for one in path if one.role == "assistant"} == answered
    assert {one.status for one in path} == {"complete"}
    chat = sessions.get(ada, session_id)
    assert (chat.messages, chat.head_id, chat.is_running) == (len(path), path[-1].id, False)
    assert left_running() == []


def test_those_who_come_again_when_told_to_wait_all_get_through(app: Flask, ada: Caller) -> None:
    session_id, begun, waits = sessions.create(ada, {}).chat.id, list[Begun](), set[str]()

    def insist(text: str) -> str:
        while True:
            try:
                begun.append(turns.start(ada, draft(text, session_id), REQUEST_ID))
            except SessionBusy as busy:
                waits.add(busy.headers["Retry-After"])
                for one in begun[-1:]:
                    turns.finished(one)
            else:
                return text

    texts = [f"I am {number}" for number in range(SENDERS)]
    assert at_once(app, [functools.partial(insist, one) for one in texts]) == texts
    assert {turns.finished(one)[1].status for one in begun} == {"complete"}
    assert waits <= {"1"}
    path = path_of(ada, session_id)
    assert is_chain(path)
    assert sorted(one.content[0]["text"] for one in path if one.role == "user") == texts


def test_sessions_do_not_hold_each_other_up(app: Flask, ada: Caller) -> None:
    ids = [sessions.create(ada, {}).chat.id for _ in range(SENDERS)]

    def talk(session_id: str) -> list[str]:
        return [say(ada, f"{session_id} {time}", session_id)[1].status for time in range(SENDS)]

    assert at_once(app, [functools.partial(talk, one) for one in ids]) == [["complete"] * SENDS] * SENDERS
    for session_id in ids:
        path = path_of(ada, session_id)
        assert is_chain(path)
        said = [one.content[0]["text"] for one in path if one.role == "user"]
        assert said == [f"{session_id} {time}" for time in range(SENDS)]


def test_first_messages_at_once_make_a_session_each(app: Flask, ada: Caller) -> None:
    results = at_once(app, [lambda: say(ada, "Hello")[1].session_id] * SENDERS)
    assert len(set(results)) == SENDERS
    assert all(is_chain(path_of(ada, one)) for one in results)


def test_where_the_head_moved_while_the_prompt_was_made_it_is_made_anew(
    app: Flask, ada: Caller, simulator: Simulator
) -> None:
    session_id = sessions.create(ada, {}).chat.id
    overtake = functools.partial(at_once, app, [lambda: say(ada, "First", session_id)])
    begun = turns.start(ada, Draft(Overtaken("Second", overtake, 1), session_id), REQUEST_ID)
    asked, _ = turns.finished(begun)
    path = path_of(ada, session_id)
    assert is_chain(path)
    assert [one.content[0]["text"] for one in path if one.role == "user"] == ["First", "Second"]
    assert asked.parent_id == path[1].id
    assert len(simulator.requests[-1].body["messages"]) == 3, "what came between is in the prompt"


def test_a_head_that_never_rests_is_a_busy_session(
    app: Flask, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = sessions.create(ada, {}).chat.id
    prepare, mine, tries = preparations.prepare, draft("And I?", session_id), list[int]()

    def overtaken(caller: Caller, one: Draft, *values: Any) -> Any:
        start = prepare(caller, one, *values)
        if one is mine:
            tries.append(1)
            at_once(app, [lambda: say(ada, "Me first", session_id)])
        return start

    monkeypatch.setattr(turns.preparations, "prepare", overtaken)
    with pytest.raises(SessionBusy):
        turns.start(ada, mine, REQUEST_ID)
    assert len(tries) == TRIES_AT_THE_HEAD
    said = [one.content[0]["text"] for one in path_of(ada, session_id) if one.role == "user"]
    assert said == ["Me first"] * TRIES_AT_THE_HEAD


def test_a_session_deleted_while_the_prompt_is_made_is_not_found(
    app: Flask, ada: Caller, count_rows: CountRows
) -> None:
    session_id = sessions.create(ada, {}).chat.id
    remove = functools.partial(at_once, app, [lambda: sessions.remove(ada, session_id, lambda _: True)])
    with pytest.raises(NotFound):
        turns.start(ada, Draft(Overtaken("Hello", remove, 1), session_id), REQUEST_ID)
    assert count_rows()["messages"] == 0


def test_a_session_deleted_while_it_answers_is_gone_and_the_sender_is_told(
    ada: Caller, count_rows: CountRows
) -> None:
    session_id = sessions.create(ada, {}).chat.id
    begun = turns.start(ada, draft(SLOW, session_id), REQUEST_ID)
    assert sessions.get(ada, session_id).is_running
    sessions.remove(ada, session_id, lambda _: True)
    with pytest.raises(NotFound, match="was deleted"):
        turns.finished(begun)
    assert count_rows().items() >= {"sessions": 0, "messages": 0, "turns": 0, "message_index": 0}.items()


def test_sessions_deleted_at_the_moment_they_end_are_gone_or_answered_never_half(
    app: Flask, ada: Caller, count_rows: CountRows
) -> None:
    def send_and_remove() -> str:
        begun = turns.start(ada, draft("[[reply: words=8]]"), REQUEST_ID)
        assert begun.log
        while not any(one.name == "message_stop" for one in begun.log.events):
            time.sleep(0.001)  # then, just now, the answer is being stored
        sessions.remove(ada, begun.made.session_id, lambda _: True)
        with pytest.raises(NotFound, match="was deleted"):
            turns.finished(begun)
        return "gone"

    assert at_once(app, [send_and_remove] * 16) == ["gone"] * 16
    assert count_rows().items() >= {"sessions": 0, "messages": 0, "turns": 0, "message_index": 0}.items()


def test_deleting_a_session_and_storing_its_answer_never_wait_for_each_other(app: Flask, ada: Caller) -> None:
    if dialect() != "postgresql":
        pytest.skip("SQLite has one writer")
    is_storing, is_locked = threading.Event(), threading.Event()

    def before(*args: Any) -> None:
        if args[2].startswith("UPDATE sessions") and not is_storing.is_set():
            is_storing.set()
            is_locked.wait(0.5)  # where the other waits for us already, there is nothing to wait for

    def after(*args: Any) -> None:
        if "FOR UPDATE OF sessions" in args[2]:
            is_locked.set()

    begun = turns.start(ada, draft(SLOW), REQUEST_ID)
    with listening("before_cursor_execute", before), listening("after_cursor_execute", after):
        is_storing.wait()
        sessions.remove(ada, begun.made.session_id, lambda _: True)
        with pytest.raises(NotFound):
            turns.finished(begun)


@pytest.mark.parametrize("has_session", [True, False])
def test_what_does_not_fit_stores_nothing(ada: Caller, count_rows: CountRows, has_session: bool) -> None:
    session_id = sessions.create(ada, {}).chat.id if has_session else None
    before = count_rows()
    wishes = Wishes(model="claude-simulator-8k", max_tokens=1_000)
    with pytest.raises(ContextOverflow):
        turns.start(ada, draft("word " * 20_000, session_id, wishes=wishes), REQUEST_ID)
    assert count_rows() == before


def test_nobody_sends_to_anothers_session(ada: Caller, bob: Caller, count_rows: CountRows) -> None:
    session_id = sessions.create(ada, {}).chat.id
    before = count_rows()
    with pytest.raises(NotFound):
        turns.start(bob, draft("Hello", session_id), REQUEST_ID)
    assert count_rows() == before


def test_message_and_answer_are_stored_before_claude_is_heard(ada: Caller) -> None:
    begun = turns.start(ada, draft(SLOW), REQUEST_ID)
    question, answer = path_of(ada, begun.made.session_id)
    assert (question.id, answer.id) == (begun.made.user_message_id, begun.made.message_id)
    assert (question.status, answer.status, answer.content) == ("complete", "running", [])
    assert left_running() == parts().runner.running == [answer.id]
    with pytest.raises(SessionBusy, match=begun.made.session_id):
        turns.start(ada, draft("Me too", begun.made.session_id), REQUEST_ID)
    assert turns.finished(begun)[1].status == "complete"
    assert left_running() == []


def test_an_opened_stream_has_begun_and_what_failed_before_is_raised_with_its_ids(ada: Caller) -> None:
    begun = turns.start(ada, draft("Hello"), REQUEST_ID)
    begin = [one.name for one in turns.opened(begun).events][:3]
    assert begin == ["colloquy.turn", "colloquy.context", "message_start"]
    turns.finished(begun)
    failing = turns.start(ada, draft("[[fault: status=400]]"), REQUEST_ID)
    with pytest.raises(ColloquyError) as caught:
        turns.opened(failing)
    assert caught.value.about == vars(failing.made)
    assert failing.log
    begun = failing.log.events[0].payload
    assert begun == {"type": "colloquy.turn", **caught.value.about, "parent_id": None}
    broken = turns.start(ada, draft("[[fault: no_stop after=4]]"), REQUEST_ID)
    turns.opened(broken)
    with pytest.raises(UpstreamFailed):
        turns.finished(broken)


def test_whoever_waits_together_gets_the_same_answer(app: Flask, ada: Caller) -> None:
    begun = turns.start(ada, draft(SLOW), REQUEST_ID)
    found = at_once(app, [lambda: turns.finished(begun)[1].id] * 4)
    assert set(found) == {begun.made.message_id}


def test_a_head_that_is_deleted_meanwhile_is_a_head_that_moved(
    app: Flask, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = say(ada, "One")[1]
    second = say(ada, "Two", first.session_id)[1]
    prepare, tries = preparations.prepare, list[int]()

    def remove() -> None:
        branches.cut_off(ada, str(second.parent_id), lambda _: True)

    def overtaken(*values: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            at_once(app, [remove])
            with pytest.raises(HeadMoved):
                prepare(*values)
        return prepare(*values)

    monkeypatch.setattr(turns.preparations, "prepare", overtaken)
    begun = turns.start(ada, draft("Three", first.session_id), REQUEST_ID)
    asked, answer = turns.finished(begun)
    assert len(tries) == 2
    assert (asked.parent_id, answer.status) == (first.id, "complete")
    assert is_chain(path_of(ada, first.session_id))


def test_a_parent_that_is_deleted_while_the_prompt_is_made_is_not_found(
    app: Flask, ada: Caller, count_rows: CountRows
) -> None:
    first = say(ada, "One")[1]
    remove = functools.partial(at_once, app, [lambda: branches.cut_off(ada, first.id, lambda _: True)])
    after = preparations.After(first.id)
    with pytest.raises(NotFound):
        turns.start(ada, Draft(Overtaken("Two", remove, 1), first.session_id, after=after), REQUEST_ID)
    assert (count_rows()["messages"], left_running()) == (1, [])


def test_draining_waits_for_a_turn_that_is_about_to_begin(app: Flask, ada: Caller) -> None:
    session_id, ended = sessions.create(ada, {}).chat.id, list[float]()

    def drain() -> None:
        with app.app_context():
            turns.drain(20)
        ended.append(time.monotonic())

    draining = threading.Thread(target=drain)

    def meanwhile() -> None:
        draining.start()
        time.sleep(0.3)
        assert ended == [], "the turn is not stored yet"

    try:
        begun = turns.start(ada, Draft(Overtaken("Hello", meanwhile, 1), session_id), REQUEST_ID)
        with pytest.raises(Draining):
            turns.start(ada, draft("Too late"), REQUEST_ID)
        draining.join(20)
        assert ended
        assert turns.finished(begun)[1].status == "complete"
    finally:
        parts().is_draining = False


def test_who_waits_in_line_is_told_when_the_server_is_about_to_stop(app: Flask, ada: Caller) -> None:
    begun = turns.start(ada, draft("[[reply: words=200 seconds_per_event=0.05]]"), REQUEST_ID)
    session_id = begun.made.session_id
    waiting = functools.partial(turns.start, ada, draft("Me too", session_id, waits=True), REQUEST_ID)

    def drain() -> None:
        time.sleep(0.3)
        turns.drain(1)

    try:
        (refused, _) = at_once(app, [waiting, drain])
        assert isinstance(refused, Draining)
        turns.finished(begun)
        assert [one.status for one in path_of(ada, session_id)] == ["complete", "interrupted"]
    finally:
        parts().is_draining = False


def test_a_turn_that_the_same_request_began_is_found_even_while_the_server_is_about_to_stop(
    ada: Caller, bob: Caller
) -> None:
    claim = Claim("/messages", "k", "hash")
    assert turns.replayed(ada, None) is None
    assert turns.replayed(ada, claim) is None
    begun = turns.start(ada, draft("Hello"), REQUEST_ID, claim)
    try:
        parts().is_draining = True
        found = turns.replayed(ada, claim)
        assert found
        assert (found.made, found.is_replayed, begun.is_replayed) == (begun.made, True, False)
        assert turns.start(ada, draft("Hello"), REQUEST_ID, claim).made == begun.made
    finally:
        parts().is_draining = False
    assert turns.replayed(bob, claim) is None
    with pytest.raises(IdempotencyKeyReused):
        turns.replayed(ada, Claim("/messages", "k", "other"))
    turns.finished(begun)
