"""Summaries: ahead of need, never in the way, at most so many tries, each one noted and charged."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.claude.simulator import Simulator
from app.context import quoting
from app.context.preface import SUMMARISED
from app.errors import ModelNotFound, NotFound, NothingToCompact, UpstreamFailed, UpstreamTimeout
from app.models.base import now
from app.models.calls import Call
from app.models.messages import Message
from app.models.summaries import SummaryRow
from app.services import branches, calls, sessions, summaries, tasks, transfer
from app.services.idempotency import Claim
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.transactions import reading, writing
from config import Config
from tests.conftest import made
from tests.services.conftest import at_once, say
from tests.upstreams import BEGIN, END, HELLO, STOP, TEXT, saying, told

SMALL = {"budget_tokens": 1_500, "recall_tokens": 0}
ENOUGH_TURNS = 9
REFUSED = told("message_delta", delta={"stop_reason": "refusal"}, usage={"output_tokens": 3})
CUT_SHORT = told("message_delta", delta={"stop_reason": "max_tokens"}, usage={"output_tokens": 3})
BLANK = told("content_block_delta", index=0, delta={"type": "text_delta", "text": " \n… "})
ENDLESS = told("content_block_delta", index=0, delta={"type": "text_delta", "text": "word " * 5_000})


def any_version(_etag: str) -> bool:
    return True


def topic(number: int) -> str:
    """What a turn is about: some 130 tokens."""
    return f"Turn {number}: the parcel with number {number * 7_919} goes to Ghent. " + "It is heavy. " * 30


def conversation(caller: Caller, turns_: int = ENOUGH_TURNS, **context: Any) -> str:
    """A session with so many turns, in which no summary was made yet; then it wants them."""
    session_id = sessions.create(caller, {"context": {**SMALL, **context}}).chat.id
    for number in range(turns_):
        say(caller, topic(number), session_id)
    wants_summaries(caller, session_id, **context)
    return session_id


def wants_summaries(caller: Caller, session_id: str, *, is_wanted: bool = True, **context: Any) -> None:
    settings = {"context": {**SMALL, "summary": is_wanted, **context}}
    sessions.change(caller, session_id, settings, any_version)


def rows_of(session_id: str) -> list[SummaryRow]:
    with reading() as session:
        of_session = select(SummaryRow).where(SummaryRow.session_id == session_id)
        return list(session.scalars(of_session.order_by(SummaryRow.id)))


def calls_of(session_id: str) -> list[Call]:
    with reading() as session:
        return summaries.calls_of(session, session_id)


def path_of(caller: Caller, session_id: str) -> list[Message]:
    return list(sessions.path_page(caller, session_id, Ask(limit=1_000)).rows)


def until(holds: Callable[[], Any]) -> Any:
    """What it returns, once that is something."""
    for _ in range(500):
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


@contextmanager
def elsewhere(config: Config, **settings: Any) -> Iterator[Flask]:
    """Another process on the same database, with other settings."""
    with made(replace(config, **settings)) as app, app.app_context():
        yield app


def asked_last(simulator: Simulator) -> dict[str, Any]:
    """The last request for a message."""
    return next(one.body for one in reversed(simulator.requests) if one.path == "/v1/messages")


def test_nothing_is_summarised_where_nobody_wants_it(ada: Caller) -> None:
    session_id = conversation(ada)
    wants_summaries(ada, session_id, is_wanted=False)
    assert summaries.refresh(session_id) is None
    assert calls_of(session_id) == []


def test_nothing_is_summarised_while_no_cut_is_near(ada: Caller) -> None:
    session_id = conversation(ada, 3)
    assert summaries.refresh(session_id) is None
    assert calls_of(session_id) == []


def test_a_summary_is_made_of_the_turns_that_a_cut_would_drop(ada: Caller, simulator: Simulator) -> None:
    session_id = conversation(ada, 7)
    row = summaries.refresh(session_id)
    path = path_of(ada, session_id)
    assert row is not None
    assert row.covered_ids == [one.id for one in path[: len(row.covered_ids)]]
    assert row.upto_id == row.covered_ids[-1] == path[row.upto_depth].id
    assert path[row.upto_depth].role == "assistant"
    assert 0 < row.upto_depth < len(path) - 2, "the newest turn is never covered"
    assert (row.previous_id, row.is_due, row.model) == (None, False, "claude-haiku-5-5")
    assert "simulator" in row.text
    body = asked_last(simulator)
    assert body["max_tokens"] <= 0.15 * SMALL["budget_tokens"]
    quoted = body["messages"][0]["content"][0]["text"]
    assert "number 7919 " in quoted
    assert f"number {6 * 7_919} " not in quoted


def test_each_try_is_noted_and_charged(ada: Caller) -> None:
    session_id = conversation(ada)
    before = sessions.get(ada, session_id)
    summaries.refresh(session_id)
    (call,) = calls_of(session_id)
    after = sessions.get(ada, session_id)
    assert (call.status, call.error, call.purpose, call.user_id) == ("done", None, "summary", ada.user_id)
    assert call.ended_at is not None
    assert call.input_tokens is not None
    assert call.output_tokens
    assert after.input_tokens - before.input_tokens == call.input_tokens > 100
    assert after.output_tokens - before.output_tokens == call.output_tokens
    assert sessions.etag_of(after) != sessions.etag_of(before)


def test_the_next_summary_goes_on_where_the_last_one_ended(ada: Caller, simulator: Simulator) -> None:
    session_id = conversation(ada, 7)
    first = summaries.refresh(session_id)
    assert first is not None
    assert summaries.refresh(session_id) is None, "nothing has been said since"
    wants_summaries(ada, session_id, is_wanted=False)
    for number in range(7, 12):
        say(ada, topic(number), session_id)
    wants_summaries(ada, session_id)
    second = summaries.refresh(session_id)
    assert second is not None
    path = path_of(ada, session_id)
    assert second.previous_id == first.id
    covered = [one.id for one in path[first.upto_depth + 1 : second.upto_depth + 1]]
    assert second.covered_ids == covered
    quoted = asked_last(simulator)["messages"][0]["content"][0]["text"]
    assert quoted.startswith(f"<summary>\n{quoting.escaped(first.text)}\n</summary>\n<message")
    assert f"number {11 * 7_919} " not in quoted


def test_a_cut_takes_the_summary_and_the_prompt_holds_it(ada: Caller, simulator: Simulator) -> None:
    session_id = conversation(ada, 7)
    row = summaries.refresh(session_id)
    assert row is not None
    wants_summaries(ada, session_id, is_wanted=False)
    for number in range(7, 14):
        say(ada, topic(number), session_id)
    said = asked_last(simulator)["messages"][0]["content"][0]["text"]
    assert said.startswith(SUMMARISED)
    assert quoting.escaped(row.text) in said


def test_a_summariser_that_always_fails_gets_three_tries_an_hour_and_turns_go_on(
    ada: Caller, config: Config, simulator: Simulator
) -> None:
    session_id = conversation(ada)
    asked = len(simulator.requests)
    with elsewhere(config, summary_model="claude-opus-4-1"):
        for number in range(6):
            assert say(ada, topic(number), session_id)[1].status == "complete"
            assert summaries.refresh(session_id) is None
        bodies = [one.body for one in list(simulator.requests)[asked:] if one.path == "/v1/messages"]
        asked_for_summaries = [one for one in bodies if one["model"] == "claude-opus-4-1"]
        assert len(asked_for_summaries) == calls.MOST_TRIES
        assert [(one.status, one.error) for one in calls_of(session_id)] == [
            ("failed", "model_not_found")
        ] * 3
        assert rows_of(session_id) == []
        an_hour_ago = now() - timedelta(minutes=61)
        with writing() as session:
            session.execute(update(Call).values(created_at=an_hour_ago))
        summaries.refresh(session_id)
        assert len(calls_of(session_id)) == 4


@pytest.mark.parametrize(
    ("payloads", "code"),
    [
        ([BEGIN, TEXT, END, STOP], "summary_unusable"),
        ([BEGIN, END, STOP], "summary_unusable"),
        ([BEGIN, TEXT, BLANK, END, STOP], "summary_unusable"),
        ([BEGIN, TEXT, HELLO, REFUSED, STOP], "summary_unusable"),
        ([BEGIN, TEXT, HELLO, CUT_SHORT, STOP], "summary_unusable"),
        ([BEGIN, TEXT, ENDLESS, END, STOP], "summary_unusable"),
        ([BEGIN, TEXT, HELLO, STOP], "summary_unusable"),
        ([BEGIN, TEXT, HELLO], "upstream_failed"),
        ([BEGIN, TEXT, HELLO, END], "upstream_failed"),
        (["nonsense"], "upstream_failed"),
        ([], "upstream_failed"),
    ],
)
def test_nonsense_is_never_a_summary_but_is_charged(
    ada: Caller, config: Config, payloads: Sequence[str], code: str
) -> None:
    session_id = conversation(ada, 7)
    before = sessions.get(ada, session_id).output_tokens
    with saying(payloads) as url, elsewhere(config, anthropic_base_url=url):
        assert summaries.refresh(session_id) is None
    (call,) = calls_of(session_id)
    assert (call.status, call.error) == ("failed", code)
    assert rows_of(session_id) == []
    assert sessions.get(ada, session_id).output_tokens - before == (call.output_tokens or 0)
    assert (call.output_tokens is not None) == (BEGIN in payloads)


def test_a_slow_summariser_is_given_up_and_holds_nobody_up(ada: Caller, config: Config) -> None:
    session_id = conversation(ada)
    with saying([BEGIN, TEXT, HELLO], pings=600) as url, elsewhere(config, anthropic_base_url=url):
        summaries.refresh_soon(session_id)
        until(lambda: calls_of(session_id))
        with elsewhere(config):
            assert say(ada, topic(1), session_id)[1].status == "complete"
            assert summaries.refresh(session_id) is None, "one at a time"
        assert [one.status for one in calls_of(session_id)] == ["running"]
        until(lambda: calls_of(session_id)[0].ended_at)
    assert [(one.status, one.error) for one in calls_of(session_id)] == [("failed", "upstream_timeout")]
    assert calls_of(session_id)[0].input_tokens == 1, "what it took is charged"


def test_a_summary_is_made_in_the_background(ada: Caller) -> None:
    session_id = conversation(ada)
    summaries.refresh_soon(session_id)
    (row,) = until(lambda: rows_of(session_id))
    assert row.text
    summaries.refresh_soon("ses_nobody")


def test_of_many_that_would_make_it_one_does(app: Flask, ada: Caller) -> None:
    session_id = conversation(ada)
    found = at_once(app, [functools.partial(summaries.refresh, session_id)] * 6)
    assert len([one for one in found if isinstance(one, SummaryRow)]) == 1, found
    assert len(rows_of(session_id)) == len(calls_of(session_id)) == 1


def test_of_many_that_fail_at_once_three_try(app: Flask, ada: Caller, config: Config) -> None:
    session_id = conversation(ada)
    with elsewhere(config, summary_model="claude-opus-4-1") as other:
        found = [at_once(other, [functools.partial(summaries.refresh, session_id)] * 4) for _ in range(4)]
    assert {one for each in found for one in each} == {None}
    assert [one.status for one in calls_of(session_id)] == ["failed"] * calls.MOST_TRIES


def test_a_call_that_a_dead_process_left_is_ended_and_counts_as_a_try(ada: Caller) -> None:
    session_id = conversation(ada)
    for minutes in (30, 0):
        call = Call(
            user_id=ada.user_id, session_id=session_id, purpose="summary", model="m", status="running"
        )
        call.created_at = now() - timedelta(minutes=minutes)
        with writing() as session:
            session.add(call)
    assert summaries.refresh(session_id) is None, "the newer one may still be at work"
    with writing() as session:
        session.execute(update(Call).values(leased_until=now() - timedelta(minutes=20)))
    calls.end_dead()
    assert summaries.refresh(session_id) is not None
    found = [(one.status, one.error) for one in calls_of(session_id)]
    assert found == [("done", None), ("failed", "interrupted"), ("failed", "interrupted")]


def test_a_message_that_is_deleted_meanwhile_has_no_summary(ada: Caller, config: Config) -> None:
    session_id = conversation(ada, 7)
    pings = [told("ping")] * 3
    with saying([BEGIN, *pings, TEXT, HELLO, END, STOP]) as url, elsewhere(config, anthropic_base_url=url):
        task = tasks.foreseen(sessions.get(ada, session_id))
        assert task is not None
        call = calls.begin(task, summaries._order(task), None, is_limited=True)
        assert call is not None
        branches.cut_off(ada, task.covered[-1].id, any_version)
        with pytest.raises(NothingToCompact):
            summaries._written(task, call, summaries.Once())
    assert [(one.status, one.error) for one in calls_of(session_id)] == [("failed", "summary_outdated")]
    assert calls_of(session_id)[0].output_tokens == 3
    assert rows_of(session_id) == []


def test_a_session_that_is_deleted_meanwhile_is_no_error(ada: Caller) -> None:
    session_id = conversation(ada, 7)
    task = tasks.foreseen(sessions.get(ada, session_id))
    assert task is not None
    call = calls.begin(task, summaries._order(task), None, is_limited=True)
    assert call is not None
    sessions.remove(ada, session_id, any_version)
    summaries._written(task, call, summaries.Once())
    assert rows_of(session_id) == []
    assert summaries.refresh(session_id) is None


def test_compact_covers_all_but_what_is_kept_and_the_next_prompt_begins_there(
    ada: Caller, simulator: Simulator
) -> None:
    session_id = conversation(ada, 4, budget_tokens=4_000)
    row = summaries.compact(ada, session_id)
    path = path_of(ada, session_id)
    assert row.is_due
    assert row.covered_ids == [one.id for one in path[:-2]], "all but the newest turn: less than a cut keeps"
    say(ada, "And now?", session_id)
    messages = asked_last(simulator)["messages"]
    assert quoting.escaped(row.text) in messages[0]["content"][0]["text"]
    assert topic(2) not in str(messages)
    assert topic(3).strip() in str(messages)
    with pytest.raises(NothingToCompact):
        summaries.compact(ada, sessions.create(ada, {}).chat.id)


def test_where_there_is_one_turn_or_all_is_covered_there_is_nothing_to_compact(ada: Caller) -> None:
    session_id = conversation(ada, 1)
    with pytest.raises(NothingToCompact):
        summaries.compact(ada, session_id)
    say(ada, topic(1), session_id)
    summaries.compact(ada, session_id)
    with pytest.raises(NothingToCompact):
        summaries.compact(ada, session_id)
    assert len(calls_of(session_id)) == 1


def test_compact_takes_the_summary_that_is_there_already(ada: Caller) -> None:
    session_id = conversation(ada, 7)
    row = summaries.refresh(session_id)
    assert row is not None
    taken = summaries.compact(ada, session_id)
    assert (taken.id, taken.is_due) == (row.id, True)
    assert len(calls_of(session_id)) == 1


def test_a_person_may_compact_more_often_than_three_times_an_hour(ada: Caller) -> None:
    session_id = conversation(ada, 1)
    for number in range(1, 6):
        say(ada, topic(number), session_id)
        summaries.compact(ada, session_id)
    assert len(calls_of(session_id)) == 5
    assert [one.previous_id for one in rows_of(session_id)] == [
        None,
        *(one.id for one in rows_of(session_id)[:-1]),
    ]


def test_what_claude_fails_with_is_told_to_who_asked(ada: Caller, config: Config) -> None:
    session_id = conversation(ada, 4)
    with elsewhere(config, summary_model="claude-opus-4-1"), pytest.raises(ModelNotFound):
        summaries.compact(ada, session_id)
    refusing = [BEGIN, TEXT, HELLO, REFUSED, STOP]
    with (
        saying(refusing) as url,
        elsewhere(config, anthropic_base_url=url),
        pytest.raises(UpstreamFailed, match="refused"),
    ):
        summaries.compact(ada, session_id)
    with (
        saying([BEGIN], pings=600) as url,
        elsewhere(config, anthropic_base_url=url),
        pytest.raises(UpstreamTimeout),
    ):
        summaries.compact(ada, session_id)
    assert [one.status for one in calls_of(session_id)] == ["failed"] * 3
    assert rows_of(session_id) == []


def test_another_persons_session_cannot_be_compacted(ada: Caller, bob: Caller) -> None:
    session_id = conversation(ada, 4)
    with pytest.raises(NotFound):
        summaries.compact(bob, session_id)


def test_the_same_request_compacts_once(app: Flask, ada: Caller) -> None:
    session_id = conversation(ada, 6)
    claim = Claim(f"POST /sessions/{session_id}/compact", "key", "hash")
    found = at_once(app, [functools.partial(summaries.compact, ada, session_id, claim)] * 4)
    assert {one.id for one in found} == {one.id for one in rows_of(session_id)}
    assert len(rows_of(session_id)) == 1
    assert summaries.compact(ada, session_id, claim).id == found[0].id


def test_more_than_the_writer_can_read_is_compacted_in_steps(
    ada: Caller, config: Config, simulator: Simulator
) -> None:
    session_id = conversation(ada, 1, budget_tokens=100_000)
    for number in range(1, 6):
        say(ada, topic(number) + "The quick brown fox jumps over the lazy dog. " * 200, session_id)
    with elsewhere(config, summary_model="claude-simulator-8k"):
        row = summaries.compact(ada, session_id)
    steps = rows_of(session_id)
    path = path_of(ada, session_id)
    assert (row.id, row.upto_id) == (steps[-1].id, path[-3].id)
    assert [one.is_due for one in steps] == [False] * (len(steps) - 1) + [True]
    assert [message_id for one in steps for message_id in one.covered_ids] == [one.id for one in path[:-2]]
    assert len(steps) == len(calls_of(session_id)) > 1
    assert all((one.input_tokens or 0) < 8_192 for one in calls_of(session_id))


def test_a_turn_that_is_larger_than_the_writers_window_is_shortened(ada: Caller, config: Config) -> None:
    session_id = conversation(ada, 1, budget_tokens=100_000)
    say(ada, "The quick brown fox jumps over the lazy dog. " * 2_000, session_id)
    say(ada, topic(2), session_id)
    with elsewhere(config, summary_model="claude-simulator-8k"):
        row = summaries.compact(ada, session_id)
    assert row.upto_depth == 3
    assert all((one.input_tokens or 0) < 8_192 for one in calls_of(session_id))


def test_a_long_history_from_elsewhere_can_be_compacted(ada: Caller, simulator: Simulator) -> None:
    roles = ("user", "assistant")
    messages: list[dict[str, Any]] = [
        {"role": roles[at % 2], "content": [{"type": "text", "text": topic(at)}]} for at in range(600)
    ]
    chat = transfer.import_(ada, {"context": {**SMALL, "summary": True}}, messages).chat
    assert summaries.refresh(chat.id) is None, "nothing was ever asked here"
    row = summaries.compact(ada, chat.id)
    assert 590 < row.upto_depth < 598
    assert len(calls_of(chat.id)) == 2, "as much as the writer reads, and the rest"
    say(ada, "And now?", chat.id)
    assert quoting.escaped(row.text) in asked_last(simulator)["messages"][0]["content"][0]["text"]


def test_a_summary_holds_on_its_branch_and_in_a_copy_of_it(ada: Caller) -> None:
    session_id = conversation(ada, 7)
    row = summaries.refresh(session_id)
    assert row is not None
    path = path_of(ada, session_id)
    whole = branches.fork(ada, session_id, path[-1].id).chat
    part = branches.fork(ada, session_id, path[1].id).chat
    (copy,) = rows_of(whole.id)
    copied = path_of(ada, whole.id)
    assert copy.text == row.text
    assert copy.covered_ids == [one.id for one in copied[: len(row.covered_ids)]]
    assert (copy.upto_id, copy.upto_depth) == (copied[row.upto_depth].id, row.upto_depth)
    assert rows_of(part.id) == []
    with reading() as session:
        assert summaries.newest(session, session_id, path[row.upto_depth - 1].id) is None
        assert summaries.newest(session, session_id, path[row.upto_depth].id) is not None
        assert summaries.newest(session, session_id, None) is None


def test_only_the_latest_calls_are_shown(ada: Caller) -> None:
    session_id = sessions.create(ada, {}).chat.id
    with writing() as session:
        for number in range(12):
            made_at = now() - timedelta(minutes=number)
            session.add(
                Call(
                    user_id=ada.user_id,
                    session_id=session_id,
                    purpose="summary",
                    model=f"m{number}",
                    status="done",
                    created_at=made_at,
                )
            )
    assert [one.model for one in calls_of(session_id)] == [f"m{number}" for number in range(10)]
