"""Turns with tools: what is asked, stored and told, round by round."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.errors import BudgetExhausted
from app.extensions import parts
from app.models.messages import Message
from app.services import bills, budgets, drafts, logs, messages, sessions, traces, turns
from app.services.budgets import Limit
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.settings import Wishes
from app.services.transactions import reading
from app.tools.values import Scene, Tool
from app.turns.log import Log
from tests.services.conftest import REQUEST_ID, draft

SUM = '[[reply: tool=calculate input={"expression": "6 * 7"}]]'
CLOCK = '[[reply: tool=current_time input={"time_zone": "Europe/Paris"}]]'
WEATHER = {"name": "weather", "description": "The weather.", "input_schema": {"type": "object"}}


def session_with(caller: Caller, *tools: Any) -> str:
    return sessions.create(caller, {"tools": list(tools)}).chat.id


def played(caller: Caller, session_id: str, text: str, **values: Any) -> tuple[Message, Message, Log]:
    begun = turns.start(caller, draft(text, session_id, **values), REQUEST_ID)
    asked, answer = turns.finished(begun)
    assert begun.log
    return asked, answer, begun.log


def path_of(caller: Caller, session_id: str) -> list[Message]:
    return list(sessions.path_page(caller, session_id, Ask(200)).rows)


def spans(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield tree
    for one in tree["children"]:
        yield from spans(one)


def names(caller: Caller, answer: Message, kind: str | None = None) -> list[str]:
    tree = traces.of_message(caller, answer.id).spans
    return [one["name"] for one in spans(tree) if kind in (None, one["kind"])]


@pytest.fixture
def add_tool(ada: Caller) -> Callable[..., None]:
    """Adds a tool of the server's own."""

    def add(name: str, act: Callable[..., Any], **values: Any) -> None:
        parts().tools.put(name, [Tool(name, name, {"type": "object"}, act, source=name, **values)])

    return add


def test_a_call_is_carried_out_and_claude_goes_on(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    asked, answer, _ = played(ada, session_id, SUM)
    path = path_of(ada, session_id)
    assert [one.role for one in path] == ["user", "assistant", "user", "assistant"]
    assert (path[0].id, path[3].id) == (asked.id, answer.id)
    assert [one.turn_id for one in path] == [None, answer.id, answer.id, None]
    use, result = path[1].content[-1], path[2].content[0]
    assert (use["type"], use["name"], use["input"]) == ("tool_use", "calculate", {"expression": "6 * 7"})
    assert (result["tool_use_id"], result["content"]) == (use["id"], "42")
    assert (answer.status, answer.stop_reason) == ("complete", "end_turn")
    assert "The tool answered: “42”" in answer.content[-1]["text"]
    assert sessions.get(ada, session_id).messages == 4


def test_every_message_stands_after_the_one_it_follows(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    for _ in range(2):
        played(ada, session_id, f"{SUM}[[reply: rounds=3]]")
    rows = sessions.tree_page(ada, session_id, Ask(200)).rows
    assert [one.parent_id for one in rows] == [None, *(one.id for one in rows[:-1])]
    assert [one.depth for one in rows] == list(range(16))
    assert [one.id for one in rows] == [one.id for one in path_of(ada, session_id)]


def test_an_answer_on_a_branch_of_its_own_has_its_rounds_there(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    asked, first, _ = played(ada, session_id, SUM)
    again = drafts.of_edit(ada, asked.id, [{"type": "text", "text": f"{SUM} again"}], None, Wishes())
    _, second = turns.finished(turns.start(ada, again, REQUEST_ID))
    path = path_of(ada, session_id)
    assert len(path) == 4
    assert path[-1].id == second.id
    assert {one.branch_id for one in path} == {path[0].id}
    assert messages.get(ada, first.id).status == "complete"


def test_several_calls_are_answered_in_their_order_and_told_as_they_come(ada: Caller) -> None:
    session_id = session_with(ada, "current_time", "calculate")
    _, answer, log = played(ada, session_id, CLOCK + SUM)
    results = path_of(ada, session_id)[2].content
    uses = [one for one in path_of(ada, session_id)[1].content if one["type"] == "tool_use"]
    assert [one["tool_use_id"] for one in results] == [one["id"] for one in uses]
    told = [one.payload for one in log.events if one.name == "colloquy.tool"]
    assert [one["state"] for one in told] == ["begun", "begun", "ended", "ended"]
    assert {one["name"] for one in told} == {"current_time", "calculate"}
    assert [one.get("content") for one in told if one["name"] == "calculate"] == [None, "42"]
    assert sorted(names(ada, answer, "tool")) == ["calculate", "current_time"]


def test_the_log_can_be_read_again_and_is_the_same(ada: Caller) -> None:
    _, answer, log = played(ada, session_with(ada, "calculate"), f"{SUM}[[reply: rounds=2]]")
    with reading() as session:
        assert logs.stored(session, answer.id) == log.events
    order = [one.name for one in log.events if one.name.startswith("colloquy.") or one.name == "message_stop"]
    tool = ["message_stop", "colloquy.tool", "colloquy.tool", "colloquy.receipt", "colloquy.context"]
    assert order == [
        "colloquy.turn",
        "colloquy.context",
        *tool,
        *tool,
        "message_stop",
        "colloquy.receipt",
        "colloquy.done",
    ]


def test_each_round_is_paid_for_with_its_own_message(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    _, _, log = played(ada, session_id, f"{SUM}[[reply: rounds=2]]")
    made = [one for one in path_of(ada, session_id) if one.role == "assistant"]
    told = {one.payload["message_id"]: one.payload for one in log.events if one.name == "colloquy.receipt"}
    assert list(told) == [one.id for one in made]
    for one in made:
        receipt = bills.of_message(ada, one.id)
        assert receipt["cost_nano_usd"] == told[one.id]["cost_nano_usd"] > 0
        assert receipt["usage"]["output_tokens"] == one.output_tokens
    total = sum(one.output_tokens or 0 for one in made)
    assert sessions.get(ada, session_id).output_tokens == total


def test_what_a_tool_cannot_do_is_told_to_claude(ada: Caller, add_tool: Callable[..., None]) -> None:
    def fail(_given: Mapping[str, Any], _scene: Scene) -> None:
        raise LookupError("nothing there")

    add_tool("broken", fail)
    session_id = session_with(ada, "broken", "calculate")
    _, answer, _ = played(ada, session_id, '[[reply: tool=broken]][[reply: tool=calculate input={"x": 1}]]')
    broken, wrong = path_of(ada, session_id)[2].content
    assert (broken["is_error"], broken["content"]) == (True, "LookupError: nothing there")
    assert wrong["is_error"]
    assert "expression" in wrong["content"]
    assert answer.status == "complete"


def test_a_tool_that_the_session_does_not_allow_is_not_called(
    ada: Caller, add_tool: Callable[..., None]
) -> None:
    called: list[int] = []
    add_tool("secret", lambda *_: called.append(1))
    session_id = session_with(ada, "calculate")
    _, answer, _ = played(ada, session_id, "[[reply: tool=secret]]")
    assert (answer.stop_reason, called) == ("end_turn", [])


def test_a_turn_has_no_more_rounds_than_the_settings_say(
    ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts(), "config", replace(parts().config, turn_rounds=3))
    session_id = session_with(ada, "calculate")
    _, answer, _ = played(ada, session_id, f"{SUM}[[reply: rounds=9]]")
    assert (answer.status, (answer.problem or {})["code"]) == ("interrupted", "turn_limit_reached")
    assert len(path_of(ada, session_id)) == 6
    _, after, _ = played(ada, session_id, "And now?")
    assert after.status == "complete"


def test_a_turn_has_no_more_time_than_the_settings_say(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts(), "config", replace(parts().config, turn_seconds=0.001))
    _, answer, _ = played(ada, session_with(ada, "calculate"), SUM)
    assert (answer.problem or {})["code"] == "turn_limit_reached"


def test_the_sends_own_limit_holds_for_all_rounds_together(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    played(ada, session_id, SUM)
    first, last = (bills.of_message(ada, one.id)["cost_nano_usd"] for one in path_of(ada, session_id)[1::2])
    most = first + last // 2
    with pytest.raises(BudgetExhausted):
        played(ada, session_with(ada, "calculate"), SUM, max_cost_nano_usd=most)


def test_a_budget_that_is_spent_in_mid_turn_ends_it_and_keeps_what_was_done(
    app: Flask, ada: Caller, add_tool: Callable[..., None]
) -> None:
    def lower(_given: Mapping[str, Any], scene: Scene) -> str:
        with app.app_context():
            budgets.put(ada, f"session:{scene.session_id}", Limit(1, "total", "UTC"))
        return "done"

    add_tool("lower", lower)
    session_id = session_with(ada, "lower")
    with pytest.raises(BudgetExhausted):
        played(ada, session_id, "[[reply: tool=lower]]")
    path = path_of(ada, session_id)
    assert [one.status for one in path] == ["complete", "complete", "complete", "failed"]
    budgets.remove(ada, f"session:{session_id}")
    _, answer, _ = played(ada, session_id, "Go on")
    assert answer.status == "complete"


def test_a_turn_that_is_cancelled_while_a_tool_runs_ends_at_once(
    app: Flask, ada: Caller, add_tool: Callable[..., None]
) -> None:
    runs, ends = threading.Event(), threading.Event()

    def wait(_given: Mapping[str, Any], _scene: Scene) -> None:
        runs.set()
        ends.wait(20)

    add_tool("slow", wait)
    session_id = session_with(ada, "slow")
    begun = turns.start(ada, draft("[[reply: tool=slow]]", session_id), REQUEST_ID)
    assert runs.wait(10)
    answer = turns.cancel(ada, begun.made.message_id)
    ends.set()
    assert (answer.status, answer.content[-1]["name"]) == ("cancelled", "slow")
    tree = traces.of_message(ada, answer.id).spans
    assert [one["status"] for one in spans(tree) if one["name"] == "slow"] == ["cancelled"]
    _, after, _ = played(ada, session_id, "And now?")
    assert after.status == "complete"


def test_a_pause_of_claudes_is_gone_on_from(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    _, answer, _ = played(ada, session_id, "[[reply: stop_reason=pause_turn]]")
    path = path_of(ada, session_id)
    assert [(one.role, one.stop_reason) for one in path] == [
        ("user", None),
        ("assistant", "pause_turn"),
        ("assistant", "end_turn"),
    ]
    assert answer.id == path[-1].id


def test_a_call_that_broke_off_is_followed_by_no_round(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    begun = turns.start(ada, draft(f"[[fault: cut after=9]]{SUM}", session_id), REQUEST_ID)
    with pytest.raises(Exception, match="cut"):
        turns.finished(begun)
    assert messages.get(ada, begun.made.message_id).status == "failed"
    assert len(path_of(ada, session_id)) == 2


def test_every_function_is_in_the_trace_exactly_once_a_call(ada: Caller) -> None:
    session_id = session_with(ada, "calculate")
    _, answer, _ = played(ada, session_id, f"{SUM}[[reply: rounds=2]]")
    found = names(ada, answer)
    expected = {"assemble": 3, "reserve": 3, "ask": 3, "attempt": 3, "settle": 3, "calculate": 2, "store": 1}
    assert {name: found.count(name) for name in expected} == expected


def test_the_time_of_a_call_is_that_of_its_own_calls(ada: Caller) -> None:
    _, answer, _ = played(ada, session_with(ada, "calculate"), f"{SUM}[[reply: rounds=2]]")
    for one in spans(traces.of_message(ada, answer.id).spans):
        if one["children"]:
            assert sum(child["ms"] for child in one["children"]) == pytest.approx(one["ms"], rel=0.02), one
