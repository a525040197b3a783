"""Turns played again: the same comes out, nothing is opened, and what was changed is found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.claude.simulator import Simulator
from app.errors import ColloquyError, NotFound
from app.models.messages import Message
from app.models.turn_events import TurnEvents
from app.services import messages, replays, sessions, turns
from app.services.identity import Caller
from app.services.transactions import writing
from tests.services.conftest import REQUEST_ID, draft
from tests.services.test_rounds import CLOCK, SUM, WEATHER, path_of, played, session_with
from tests.support import asked

SOCKETS = ("socket.__new__", "socket.connect", "socket.getaddrinfo", "sqlite3.connect")
opened: list[str] = []
watching = [False]
sys.addaudithook(lambda event, _: opened.append(event) if watching[0] and event in SOCKETS else None)


@pytest.fixture
def replay(ada: Caller) -> Callable[[str], replays.Replay]:
    """Plays a turn again, and sees that nothing is opened for it."""

    def _replay(message_id: str) -> replays.Replay:
        record = replays.recorded(message_id)
        opened.clear()
        watching[0] = True
        try:
            return replays.again(record)
        finally:
            watching[0] = False
            assert opened == []

    return _replay


Replay = Callable[[str], replays.Replay]


def test_a_turn_with_tools_comes_out_the_same(ada: Caller, replay: Replay) -> None:
    session_id = session_with(ada, "calculate", "current_time")
    for text in ("Hello", f"{SUM}{CLOCK}[[reply: rounds=3]]", "And now?"):
        _, answer, _ = played(ada, session_id, text)
        found = replay(answer.id)
        assert found.differences == []
    assert (found.asked, found.used) == (1, 0)


def test_the_number_of_requests_and_calls_is_told(ada: Caller, replay: Replay) -> None:
    _, answer, _ = played(ada, session_with(ada, "calculate"), f"{SUM}[[reply: rounds=2]]")
    found = replay(answer.id)
    assert (found.asked, found.used, found.differences) == (3, 2, [])


def test_what_was_sent_is_made_anew_to_the_byte(ada: Caller, simulator: Simulator) -> None:
    _, answer, _ = played(ada, session_with(ada, "calculate"), f"{SUM}[[reply: rounds=2]]")
    made = [one.messages for one in replays.recorded(answer.id).prompts]
    sent = [one["messages"] for one in asked(simulator)[-3:]]
    bare = [
        [
            {**one, "content": [{**block, "cache_control": None} for block in one["content"]]}
            for one in messages
        ]
        for messages in (*made, *sent)
    ]
    assert json.dumps(bare[:3]) == json.dumps(bare[3:])


@pytest.mark.parametrize(
    "text",
    [
        "[[fault: cut after=5]]",
        "[[fault: status=529]]",
        "[[fault: error after=6 type=api_error]]",
        "[[fault: no_stop]]",
        "[[reply: thinking=All that I think of it]]",
        "[[reply: stop_reason=pause_turn]]",
        "[[reply: stop_reason=refusal]]",
        SUM,
        "[[reply: tool=weather]]",
        f"{SUM}[[reply: tool=weather]]",
        '[[reply: tool=calculate input={"expression": "1/0"}]]',
    ],
)
def test_turns_of_every_end_come_out_the_same(ada: Caller, replay: Replay, text: str) -> None:
    session_id = session_with(ada, "calculate", WEATHER)
    played(ada, session_id, "Before it")
    begun = turns.start(ada, draft(text, session_id), REQUEST_ID)
    try:
        turns.finished(begun)
    except ColloquyError:
        assert messages.get(ada, begun.made.message_id).status == "failed"
    assert replay(begun.made.message_id).differences == []


def test_where_something_was_cut_and_recalled_the_request_is_made_anew(ada: Caller, replay: Replay) -> None:
    session_id = sessions.create(ada, {"tools": ["calculate"], "context": {"budget_tokens": 3_000}}).chat.id
    for number in range(12):
        played(ada, session_id, f"Word{number} is a word. [[reply: words=200]]")
    _, answer, _ = played(ada, session_id, f"What was Word3? {SUM}")
    assert {one["as"] for one in (answer.context or {})["messages"]} > {"verbatim"}
    assert replay(answer.id).differences == []


def test_a_cancelled_turn_comes_out_the_same(ada: Caller, replay: Replay) -> None:
    begun = turns.start(ada, draft("[[reply: words=400 seconds_per_event=0.02]]"), REQUEST_ID)
    assert begun.log
    assert next(item for item in begun.log.follow() if item and item[1].name == "content_block_delta")
    answer = turns.cancel(ada, begun.made.message_id)
    assert answer.status == "cancelled"
    assert replay(answer.id).differences == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"content": [{"type": "text", "text": "Something else"}]}, "content was"),
        ({"output_tokens": 1}, "output_tokens was 1"),
        ({"stop_reason": "refusal"}, "stop_reason was"),
    ],
)
def test_what_was_changed_since_is_found(
    ada: Caller, replay: Replay, values: dict[str, Any], says: str
) -> None:
    _, answer, _ = played(ada, session_with(ada, "calculate"), SUM)
    with writing() as session:
        session.execute(update(Message).where(Message.id == answer.id).values(**values))
    (found,) = replay(answer.id).differences
    assert says in found


def test_an_earlier_message_that_was_changed_is_found_in_the_requests(ada: Caller, replay: Replay) -> None:
    session_id = session_with(ada, "calculate")
    first, _, _ = played(ada, session_id, "One")
    _, answer, _ = played(ada, session_id, SUM)
    with writing() as session:
        other = [{"type": "text", "text": "Two"}]
        session.execute(update(Message).where(Message.id == first.id).values(content=other))
    assert [one.split(" was")[0] for one in replay(answer.id).differences] == ["request 1", "request 2"]
    assert len(path_of(ada, session_id)) == 6


def test_without_its_events_a_turn_cannot_be_played_again(ada: Caller, replay: Replay) -> None:
    _, answer, _ = played(ada, session_with(ada), "Hello")
    with writing() as session:
        session.execute(delete(TurnEvents).where(TurnEvents.message_id == answer.id))
    with pytest.raises(NotFound, match="COLLOQUY_EVENTS_KEPT_SECONDS"):
        replay(answer.id)
