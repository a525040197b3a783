"""What of an answer is stored, and that it is stored before anybody is told."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from flask import Flask

from app.errors import ColloquyError
from app.models.messages import Message
from app.services import beginnings, messages, sessions, turns
from app.services.identity import Caller
from app.services.pages import Ask
from app.turns.reply import Usage, read
from tests.services.conftest import REQUEST_ID, at_once, draft, say

NAMES = tuple(asdict(Usage()))


def usage_of(row: object) -> list[int]:
    return [getattr(row, name) or 0 for name in NAMES]


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
    assert answer.bound_to == beginnings.prepare(said, None).prompt.bound_to
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
