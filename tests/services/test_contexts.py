"""The context of a session as it stands: as the next request would hold it, without a message to come."""

from __future__ import annotations

import pytest

from app.errors import ColloquyError, NotFound
from app.services import contexts, pins, preflights, sessions, turns
from app.services.identity import Caller
from tests.services.conftest import REQUEST_ID, draft, say
from tests.support import CountRows

LONG = "some words to fill the window with, " * 20


def test_it_is_the_next_request_but_for_its_message_and_spends_nothing(
    ada: Caller, count_rows: CountRows
) -> None:
    session_id = sessions.create(ada, {"system": "Be brief."}).chat.id
    for number in range(3):
        say(ada, f"Number {number}: {LONG}", session_id)
    before = count_rows()
    shown = contexts.shown(ada, session_id).receipt
    planned = preflights.preflight(ada, draft("x", session_id)).receipt
    assert shown
    same = ("model", "budget_tokens", "cut", "summary_id", "method")
    assert {name: shown[name] for name in same} == {name: planned[name] for name in same}
    for name in ("system_tokens", "pins_tokens", "summary_tokens"):
        assert shown["tokens"][name] == planned["tokens"][name]
    assert abs(shown["tokens"]["history_tokens"] - planned["tokens"]["history_tokens"]) < 8
    assert shown["tokens"]["new_tokens"] == shown["tokens"]["recalled_tokens"] == 0
    assert shown["prompt_tokens"] >= sum(shown["tokens"].values()) - 8
    assert [one["messages"] for one in shown["messages"]] == [6]
    assert count_rows() == before


def test_a_session_whose_answer_failed_is_shown_as_well(ada: Caller) -> None:
    begun = turns.start(ada, draft("[[fault: status=400]]"), REQUEST_ID)
    with pytest.raises(ColloquyError):
        turns.finished(begun)
    shown = contexts.shown(ada, begun.made.session_id).receipt
    assert shown
    assert [(one["as"], one["messages"]) for one in shown["messages"]] == [("verbatim", 2)]


def test_pins_are_listed_in_the_order_of_the_conversation_and_nobody_else_sees_it(
    ada: Caller, bob: Caller
) -> None:
    session_id = sessions.create(ada, {}).chat.id
    ids = [one.id for number in range(3) for one in say(ada, f"Number {number}", session_id)]
    for message_id in (ids[4], ids[1], ids[2]):
        pins.pin(ada, session_id, message_id, is_pinned=True)
    assert contexts.shown(ada, session_id).pinned_ids == [ids[1], ids[2], ids[4]]
    with pytest.raises(NotFound):
        contexts.shown(bob, session_id)
