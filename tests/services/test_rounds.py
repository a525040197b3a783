"""Turns with tools: what is asked, stored and told, round by round."""

from __future__ import annotations

from typing import Any

from app.models.messages import Message
from app.services import sessions, turns
from app.services.identity import Caller
from app.services.pages import Ask
from app.turns.log import Log
from tests.services.conftest import REQUEST_ID, draft

CLOCK = '[[reply: tool=current_time input={"time_zone": "Europe/Paris"}]]'
SUM = '[[reply: tool=calculate input={"expression": "6 * 7"}]]'


def session_with(caller: Caller, *tools: Any) -> str:
    return sessions.create(caller, {"tools": list(tools)}).chat.id


def played(caller: Caller, session_id: str, text: str) -> tuple[Message, Message, Log]:
    begun = turns.start(caller, draft(text, session_id), REQUEST_ID)
    asked, answer = turns.finished(begun)
    assert begun.log
    return asked, answer, begun.log


def path_of(caller: Caller, session_id: str) -> list[Message]:
    return sessions.path_page(caller, session_id, Ask(200)).rows


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
    assert [one.number for one in path] == sorted(one.number for one in path)
    assert sessions.get(ada, session_id).messages == 4
