"""What is read of a path for its next prompt, and that it is little however long the path is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from app.context import Ask, Entry, Window
from app.errors import ContextOverflow
from app.extensions import db
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.services import branches, pages, pasts, pins, prices, sessions, transfer, tree
from app.services.counts import Owner
from app.services.identity import Caller
from app.services.models import window_of
from app.services.pasts import Known
from app.services.transactions import reading
from tests.services.conftest import say

MODEL = "claude-sonnet-5-5"
ASK = Ask(MODEL, max_tokens=500)
LONG = "some words to fill the window with, " * 20
SMALL = {"context": {"budget_tokens": 1_500, "recall_tokens": 0}}


def known(chat: ChatSession, ask: Ask = ASK, head_id: str | None = None) -> Known:
    with reading() as session:
        head = tree.message_at(session, head_id or chat.head_id)
        return pasts.known(session, head, window_of(ask.model), ask)


def talked(caller: Caller, turns: int, **settings: Any) -> ChatSession:
    session_id = sessions.create(caller, settings).chat.id
    for number in range(turns):
        say(caller, f"Number {number}: {LONG}", session_id)
    return sessions.get(caller, session_id)


def imported(caller: Caller, messages: int) -> ChatSession:
    said = [
        {
            "role": "user" if at % 2 == 0 else "assistant",
            "content": [{"type": "text", "text": f"{at} {LONG}"}],
        }
        for at in range(messages)
    ]
    return transfer.import_(caller, {}, said).chat


def rows_of(caller: Caller, chat: ChatSession) -> Sequence[Message]:
    return sessions.path_page(caller, chat.id, pages.Ask(100)).rows


def newest(of: Known, text: str = "And now?") -> list[Entry]:
    return [Entry("new", "user", [{"type": "text", "text": text}], depth=of.path[-1].depth + 1)]


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    prices.of(MODEL)  # they are read once a second, whoever asks
    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


def test_before_anything_was_said_nothing_is_known(ada: Caller) -> None:
    of = known(sessions.create(ada, {}).chat)
    assert (of.path, of.state, of.pinned, of.summary, of.adopted) == ([], None, (), None, None)


def test_after_a_cut_the_path_is_read_from_there_on_and_what_is_pinned_before_it(ada: Caller) -> None:
    chat = talked(ada, 10, **SMALL)
    first = known(chat, replace(ASK, budget_tokens=1_500))
    assert first.state
    assert first.path[0].depth == first.state.start_depth > 0
    assert first.path[-1].id == chat.head_id
    assert [one.depth for one in first.path] == list(range(first.path[0].depth, 20))
    rows = rows_of(ada, chat)
    for at in (0, 3, 19):
        pins.pin(ada, chat.id, rows[at].id, is_pinned=True)
    again = known(chat)
    assert [one.depth for one in again.pinned] == [0, 3]
    assert [one.depth for one in again.path if one.is_pinned] == [19]


def test_pins_of_another_branch_are_not_known(ada: Caller) -> None:
    chat = talked(ada, 2)
    rows = rows_of(ada, chat)
    pins.pin(ada, chat.id, rows[3].id, is_pinned=True)
    branches.go_on_from(ada, chat.id, rows[1].id, lambda _: True)
    of = known(sessions.get(ada, chat.id))
    assert [one.id for one in of.path] == [rows[0].id, rows[1].id]
    assert of.state
    assert of.state.newest_depth == 0, "the state is that of the answer on this path"
    assert not any(one.is_pinned for one in (*of.path, *of.pinned))


def test_sizes_are_those_that_claude_has_counted_and_of_another_model_rescaled(ada: Caller) -> None:
    chat = talked(ada, 3)
    same, other = known(chat).path, known(chat, Ask("claude-haiku-4-5", 500)).path
    assert [one.is_counted for one in same] == [True] * 5 + [False]
    assert not any(one.is_counted for one in other)
    factor = window_of("claude-haiku-4-5").tokens_factor
    assert [one.tokens for one in other] == [round((one.tokens or 0) * factor) for one in same]


@pytest.mark.parametrize("messages", [300, 1_500])
def test_of_a_long_history_without_a_state_no_more_is_read_than_may_be_sent(
    ada: Caller, messages: int
) -> None:
    chat = imported(ada, messages)
    with counted() as statements:
        of = known(chat, Ask(MODEL, 500, budget_tokens=5_000))
    assert of.state is None
    assert len(of.path) == pasts.ROWS_A_READ
    assert len(statements) <= 7


def test_the_statements_do_not_grow_with_what_was_said(ada: Caller) -> None:
    def statements_of(chat: ChatSession) -> int:
        with counted() as statements:
            of = known(chat, replace(ASK, budget_tokens=1_500))
            pasts.prompt_for(of, newest(of), replace(ASK, budget_tokens=1_500), Owner(ada.user_id, chat.id))
        return len(statements)

    assert statements_of(talked(ada, 8, **SMALL)) == statements_of(talked(ada, 24, **SMALL))


def overflow(counted_tokens: int | None = None, most_tokens: int | None = None) -> ContextOverflow:
    error = ContextOverflow("prompt is too long")
    error.counted_tokens, error.most_tokens = counted_tokens, most_tokens
    return error


@pytest.mark.parametrize("refusal", [lambda: overflow(9_000, 3_000), overflow])
def test_what_claude_found_too_long_is_made_again_with_less(
    ada: Caller, refusal: Callable[[], ContextOverflow]
) -> None:
    limits = Window(MODEL, window_tokens=4_000, greatest_output_tokens=500)
    of = replace(known(talked(ada, 8)), limits=limits)
    first = pasts.prompt_for(of, newest(of), ASK, Owner(ada.user_id))
    error = refusal()
    shorter = pasts.shortened(of, newest(of), ASK, first, error)
    assert len(shorter.messages) < len(first.messages)
    assert shorter.plan.first_depth > first.plan.first_depth
    times = (error.counted_tokens or 0) / first.plan.prompt_tokens or 1.3
    kept = sum(one.tokens or 0 for one in of.path if one.depth >= shorter.plan.first_depth)
    assert kept * times <= (error.most_tokens or 4_000)


def test_where_even_the_newest_alone_is_too_long_it_is_said(ada: Caller) -> None:
    of = known(talked(ada, 2))
    first = pasts.prompt_for(of, newest(of, LONG), ASK, Owner(ada.user_id))
    with pytest.raises(ContextOverflow):
        pasts.shortened(of, newest(of, LONG), ASK, first, overflow(90_000, 900))
