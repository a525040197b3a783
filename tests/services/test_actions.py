"""Answers that wait: for results of the client's own tools, and for a person's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Invalid, NotAwaited
from app.models.messages import Message
from app.services import actions, messages, sessions, traces, turns
from app.services.actions import Given
from app.services.identity import Caller
from app.services.settings import Wishes
from app.telemetry import tracing
from tests.services.conftest import REQUEST_ID
from tests.services.test_rounds import SUM, WEATHER, path_of, played, session_with, spans

ASK_WEATHER = '[[reply: tool=weather input={"city": "Lyon"}]]'
CAREFUL = {"name": "calculate", "approval": True}


def waiting(caller: Caller, text: str, *tools: Any) -> Message:
    _, answer, _ = played(caller, session_with(caller, *tools), text)
    assert answer.status == "requires_action"
    return answer


def given(answer: Message, **values: Any) -> list[Given]:
    return [Given(one["tool_use_id"], **values) for one in answer.waiting or ()]


def go_on(caller: Caller, answer: Message, said: list[Given]) -> tuple[Message, Message]:
    with tracing.within(tracing.root()):
        made = actions.draft_of(caller, answer.id, said, Wishes())
        return turns.finished(turns.start(caller, made, REQUEST_ID))


def test_a_call_of_the_clients_tool_waits_for_its_result(ada: Caller) -> None:
    answer = waiting(ada, ASK_WEATHER, WEATHER)
    assert answer.stop_reason == "tool_use"
    (one,) = answer.waiting or ()
    assert (one["name"], one["input"], one["needs"]) == ("weather", {"city": "Lyon"}, "result")
    results, last = go_on(ada, answer, given(answer, content="14 °C"))
    assert results.content == [{"type": "tool_result", "tool_use_id": one["tool_use_id"], "content": "14 °C"}]
    assert (last.status, last.parent_id, results.parent_id) == ("complete", results.id, answer.id)
    assert "The tool answered: “14 °C”" in last.content[-1]["text"]
    assert messages.get(ada, answer.id).status == "complete"


def test_the_last_event_says_what_is_waited_for(ada: Caller) -> None:
    _, answer, log = played(ada, session_with(ada, WEATHER), ASK_WEATHER)
    done = log.events[-1].payload
    assert (done["status"], done["awaits"]) == ("requires_action", answer.waiting)


def test_calls_of_both_kinds_are_answered_together_in_their_order(ada: Caller) -> None:
    answer = waiting(ada, SUM + ASK_WEATHER, "calculate", WEATHER)
    assert [one["name"] for one in answer.waiting or ()] == ["weather"]
    results, last = go_on(ada, answer, given(answer, content="14 °C", is_error=True))
    uses = [one["id"] for one in answer.content if one["type"] == "tool_use"]
    assert [one["tool_use_id"] for one in results.content] == uses
    assert [one["content"] for one in results.content] == ["42", "14 °C"]
    assert results.content[1]["is_error"] is True
    assert last.status == "complete"


def test_a_call_that_needs_approval_is_carried_out_once_it_is_approved(ada: Caller) -> None:
    answer = waiting(ada, SUM, CAREFUL)
    assert [one["needs"] for one in answer.waiting or ()] == ["approval"]
    results, last = go_on(ada, answer, given(answer, decision="approve"))
    assert [one["content"] for one in results.content] == ["42"]
    tree = traces.of_message(ada, last.id).spans
    assert [one["name"] for one in spans(tree) if one["kind"] == "tool"] == ["calculate"]


def test_a_call_that_is_declined_is_told_to_claude_as_such(ada: Caller) -> None:
    answer = waiting(ada, SUM, CAREFUL)
    results, last = go_on(ada, answer, given(answer, decision="deny"))
    (block,) = results.content
    assert (block["content"], block["is_error"]) == (actions.DECLINED, True)
    assert last.status == "complete"


def test_results_are_handed_in_once(ada: Caller) -> None:
    answer = waiting(ada, ASK_WEATHER, WEATHER)
    said = given(answer, content="14 °C")
    go_on(ada, answer, said)
    with pytest.raises(NotAwaited):
        go_on(ada, answer, said)


def test_an_answer_that_waits_for_nothing_takes_no_results(ada: Caller) -> None:
    _, answer, _ = played(ada, session_with(ada), "Hello")
    with pytest.raises(NotAwaited):
        go_on(ada, answer, [Given("toolu_1", "x")])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: [], "nothing is said to"),
        (lambda said: [*said, *said], "answered twice"),
        (lambda said: [*said, Given("toolu_other", "x")], "no call toolu_other waits"),
        (lambda said: [Given(said[0].tool_use_id, decision="approve")], "tool of yours"),
        (lambda said: [Given(said[0].tool_use_id)], "needs a content"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_answer_waits_on(
    ada: Caller, change: Callable[[list[Given]], list[Given]], says: str
) -> None:
    answer = waiting(ada, ASK_WEATHER, WEATHER)
    with pytest.raises(Invalid) as refused:
        go_on(ada, answer, change(given(answer, content="x")))
    assert any(says in one.detail for one in refused.value.faults)
    assert messages.get(ada, answer.id).status == "requires_action"


def test_who_says_something_else_instead_is_answered(ada: Caller) -> None:
    answer = waiting(ada, ASK_WEATHER, WEATHER)
    _, other, _ = played(ada, answer.session_id, "Never mind")
    assert other.status == "complete"
    results, last = go_on(ada, answer, given(answer, content="14 °C"))
    assert (last.status, results.parent_id) == ("complete", answer.id)
    assert sessions.get(ada, answer.session_id).head_id == last.id
    assert [one.id for one in path_of(ada, answer.session_id)][-2:] == [results.id, last.id]


def test_rounds_of_the_server_may_stand_before_a_wait_and_after_it(ada: Caller) -> None:
    text = f"{SUM}{ASK_WEATHER}[[reply: rounds=2]]"
    answer = waiting(ada, text, "calculate", WEATHER)
    _, again = go_on(ada, answer, given(answer, content="14 °C"))
    assert again.status == "requires_action"
    _, last = go_on(ada, again, given(again, content="15 °C"))
    assert last.status == "complete"
    assert len(path_of(ada, answer.session_id)) == 6
