"""What of an answer is stored, and that it is stored before anybody is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import exc

from app.billing.usage import CLASSES
from app.errors import ColloquyError
from app.models.messages import Message
from app.services import answers, endings, messages, preparations, sessions, transactions, turns
from app.services.identity import Caller
from app.services.pages import Ask
from app.turns.reply import read
from tests.services.conftest import REQUEST_ID, at_once, draft, say
from tests.support import Api, events_of, text_of
from tests.upstreams import BEGIN, END, HELLO, STOP, TEXT, saying, told


def usage_of(row: object) -> list[int]:
    return [getattr(row, name) or 0 for name in CLASSES]


def failed(caller: Caller, text: str) -> Message:
    begun = turns.start(caller, draft(text), REQUEST_ID)
    with pytest.raises(ColloquyError):
        turns.finished(begun)
    return messages.get(caller, begun.made.message_id)


def test_the_answer_is_what_the_events_add_up_to(ada: Caller) -> None:
    said = draft("[[reply: words=12]]")
    begun = turns.start(ada, said, REQUEST_ID)
    _, answer = turns.finished(begun)
    assert begun.log
    reply = read(begun.log.events)
    assert (answer.content, answer.model, answer.stop_reason) == (
        reply.content,
        reply.model,
        reply.stop_reason,
    )
    assert usage_of(answer) == usage_of(reply.usage)
    assert answer.bound_to == preparations.prepare(ada, said, None).prompt.bound_to
    assert answer.updated_at > answer.created_at
    assert begun.log.usage == reply.usage


def test_whoever_sees_done_finds_the_answer_stored_and_the_session_free(app: Flask, ada: Caller) -> None:
    begun = turns.start(ada, draft("Hello"), REQUEST_ID)
    names = []
    for item in begun.log.follow():
        assert item
        names.append(item[1].name)
        if item[1].name == "colloquy.done":
            assert messages.get(ada, begun.made.message_id).status == "complete"
            assert not sessions.get(ada, begun.made.session_id).is_running
    assert (names[0], names[-1], names.count("colloquy.done")) == ("colloquy.turn", "colloquy.done", 1)


def test_totals_are_the_sum_of_the_answers_failed_ones_included(ada: Caller) -> None:
    first = say(ada, "One")[1]
    begun = turns.start(ada, draft("[[fault: no_stop after=5]]", first.session_id), REQUEST_ID)
    with pytest.raises(ColloquyError):
        turns.finished(begun)
    answers = [first, messages.get(ada, begun.made.message_id), say(ada, "Two", first.session_id)[1]]
    chat = sessions.get(ada, first.session_id)
    assert usage_of(chat) == [sum(column) for column in zip(*map(usage_of, answers), strict=True)]
    assert chat.messages == 6


def test_an_answer_is_found_by_its_words_and_so_is_half_of_one(ada: Caller) -> None:
    say(ada, "[[reply: text=quokkas everywhere]]")
    failed(ada, "[[fault: cut after=9]][[reply: text=quokkas nowhere at all to be seen by anybody]]")
    found = messages.search(ada, "quokka", None, Ask(is_descending=True)).rows
    statuses = sorted(one.message.status for one in found if one.message.role == "assistant")
    assert statuses == ["complete", "failed"]


def test_what_failed_before_it_began_is_kept_as_a_problem_with_the_request_id(ada: Caller) -> None:
    answer = failed(ada, "[[fault: status=400]]")
    assert (answer.status, answer.content, answer.stop_reason) == ("failed", [], None)
    assert answer.problem
    assert (answer.problem["code"], answer.problem["request_id"]) == ("upstream_rejected", REQUEST_ID)
    assert answer.input_tokens is None, "none was reported, which is not zero"
    assert answer.model == "claude-sonnet-5-5"


def test_thinking_that_broke_off_does_not_keep_the_session_from_going_on(ada: Caller) -> None:
    answer = failed(ada, "[[fault: cut after=3]][[reply: thinking=Hm, let me see]]")
    assert answer.status == "failed"
    assert say(ada, "Go on", answer.session_id)[1].status == "complete"


def test_an_answer_changes_the_etags_of_message_and_session(ada: Caller) -> None:
    begun = turns.start(ada, draft("[[reply: words=20 seconds_per_event=0.02]]"), REQUEST_ID)
    session_id, message_id = begun.made.session_id, begun.made.message_id
    before = [sessions.etag_of(one) for one in (sessions.get(ada, session_id), messages.get(ada, message_id))]
    turns.finished(begun)
    after = [sessions.etag_of(one) for one in (sessions.get(ada, session_id), messages.get(ada, message_id))]
    assert before[0].endswith("-running")
    assert not after[0].endswith("-running")
    assert before[1] != after[1]


def test_settings_changed_while_it_answers_are_kept(app: Flask, ada: Caller) -> None:
    begun = turns.start(ada, draft("[[reply: words=20 seconds_per_event=0.02]]"), REQUEST_ID)
    session_id = begun.made.session_id
    at_once(app, [lambda: sessions.change(ada, session_id, {"title": "New"}, lambda _: True)])
    turns.finished(begun)
    chat = sessions.get(ada, session_id)
    assert (chat.title, chat.messages, chat.output_tokens > 0) == ("New", 2, True)


def test_the_stream_of_a_session_deleted_meanwhile_ends_as_all_do(app: Flask, ada: Caller) -> None:
    begun = turns.start(ada, draft("[[reply: words=20 seconds_per_event=0.02]]"), REQUEST_ID)

    at_once(app, [lambda: sessions.remove(ada, begun.made.session_id, lambda _: True)])
    with pytest.raises(ColloquyError):
        turns.finished(begun)
    assert [one.name for one in begun.log.events][-1] == "colloquy.done"


def delta(**values: Any) -> str:
    return told("content_block_delta", index=0, delta=values)


def citing(json_text: str) -> str:
    """A citation that holds this, which need not be JSON."""
    return delta(type="citations_delta", citation={"a": 0}).replace('"a": 0', f'"a": {json_text}')


def ended_in(reason: str) -> str:
    return told("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 3})


CALL = told(
    "content_block_start", index=0, content_block={"type": "tool_use", "id": "a", "name": "b", "input": {}}
)
ODD_BLOCK = told("content_block_start", index=0, content_block={"type": "text", "text": "", "citations": 5})
HALF_BLOCK = told("content_block_start", index=0, content_block={"type": "text", "text": "\ud800"})
NUL_MODEL = told("message_start", message={"model": "a\0b", "usage": {"input_tokens": 1, "output_tokens": 1}})
DEEP = "[" * 3_000 + "]" * 3_000


@pytest.mark.parametrize(
    ("payloads", "status"),
    [
        ([BEGIN, TEXT, HELLO, delta(type=[]), END, STOP], "complete"),
        ([BEGIN, TEXT, HELLO, delta(type={"a": 1}), END, STOP], "complete"),
        ([BEGIN, ODD_BLOCK, HELLO, citing("1"), END, STOP], "complete"),
        ([BEGIN, TEXT, HELLO, ended_in("\ud800"), STOP], "complete"),
        ([BEGIN, TEXT, HELLO, ended_in("end\0turn"), STOP], "complete"),
        ([BEGIN, TEXT, HELLO, ended_in("x" * 500), STOP], "complete"),
        ([NUL_MODEL, TEXT, HELLO, END, STOP], "complete"),
        ([BEGIN, HALF_BLOCK, END, STOP], "complete"),
        ([BEGIN, TEXT, delta(type="text_delta", text="a\0b\ud800"), END, STOP], "complete"),
        ([BEGIN, CALL, delta(type="input_json_delta", partial_json=DEEP), END, STOP], "complete"),
        ([BEGIN, CALL, delta(type="input_json_delta", partial_json='{"a": NaN}'), END, STOP], "complete"),
        ([BEGIN, TEXT, HELLO, citing("NaN"), END, STOP], "failed"),
        ([BEGIN, TEXT, HELLO, citing("1e999"), END, STOP], "failed"),
        ([BEGIN, TEXT, HELLO, citing("-Infinity"), END, STOP], "failed"),
        ([BEGIN, TEXT, HELLO, citing("[" * 101 + "]" * 101), END, STOP], "failed"),
        ([BEGIN, TEXT, HELLO, citing(DEEP), END, STOP], "failed"),
        ([BEGIN, TEXT, HELLO, "7", END, STOP], "failed"),
        ([BEGIN, TEXT, HELLO, told("error", error=[])], "failed"),
    ],
)
def test_whatever_claude_says_the_turn_ends_and_the_session_goes_on(
    variant: Callable[..., Api], payloads: list[str], status: str
) -> None:
    with saying(payloads) as url:
        access = variant(anthropic_base_url=url)
        session_id = access.session()
        for number in range(2):
            events = access.events(f"/sessions/{session_id}/messages", content=f"Say {number}")
            assert (events[-1].name, events[-1].payload["status"]) == ("colloquy.done", status)
            assert access.get(f"/sessions/{session_id}").json()["status"] == "idle"
    read_again = access.get(f"/sessions/{session_id}/messages")
    path = json.loads(read_again.text, parse_constant=pytest.fail)["data"]
    assert [one["status"] for one in path] == ["complete", status] * 2
    assert events[-1].payload["message_id"] == path[-1]["id"]
    if HELLO in payloads:
        assert text_of(path[-1]) == "Hello", "what came is kept"
    assert access.get(f"/messages/{path[-1]['id']}/events").status_code == 200
    assert access.get(f"/sessions/{session_id}/export").status_code == 200
    assert path[-1]["usage"]["input_tokens"] == 1


def test_who_pings_on_after_the_end_keeps_nobody_waiting(variant: Callable[..., Api]) -> None:
    with saying([BEGIN, TEXT, HELLO, END, STOP], pings=100) as url:
        access, began_at = variant(anthropic_base_url=url), time.monotonic()
        session_id = access.session()
        for _ in range(2):
            assert access.say(session_id, "Hello")["status"] == "complete"
        assert access.get(f"/sessions/{session_id}").json()["status"] == "idle"
        assert time.monotonic() - began_at < 5, "it would ping for ten seconds"


def test_an_answer_whose_storing_finds_no_connection_free_is_stored_a_little_later(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, store = list[int](), endings.store

    def store_at_third(*values: Any) -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise exc.TimeoutError("QueuePool limit reached")
        return store(*values)

    monkeypatch.setattr(answers.endings, "store", store_at_third)
    events = api.events("/messages", content="Hello")
    assert (events[-1].name, events[-1].payload["status"]) == ("colloquy.done", "complete")
    assert len(tries) == 3
    stored = api.get(f"/messages/{events[-1].payload['message_id']}").json()
    assert stored["status"] == "complete"


def test_readers_of_an_answer_that_cannot_be_stored_are_let_go_and_no_end_is_made_up(
    app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never_store(*_: Any) -> bool:
        raise exc.TimeoutError("QueuePool limit reached")

    monkeypatch.setattr(transactions, "PAUSES_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(answers.endings, "store", never_store)
    session_id = api.session()
    answer = api.post(f"/sessions/{session_id}/messages", json={"content": "Hello", "stream": True})
    events = events_of(answer.text)
    assert events[0].name == "colloquy.turn"
    assert not {one.name for one in events} & {"error", "colloquy.done"}, "it may yet end otherwise"
    assert api.get(f"/sessions/{session_id}").json()["status"] == "running"
    message_id = events[0].payload["message_id"]
    assert api.get(f"/messages/{message_id}").json()["status"] == "running"
