"""Markers, the order of all parts, and the tokens by source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.context import Entry, Prompt
from app.errors import Invalid
from tests.context.talks import (
    ASK,
    Talk,
    answer,
    assembled,
    call,
    counted,
    result,
    text,
    texts,
    thinking,
    user,
)

TOOL = {"name": "t", "description": "d " * 50, "input_schema": {"type": "object"}}


def talk(turns: int = 3) -> Talk:
    made = Talk(ask=replace(ASK, system="Be brief. " * 20))
    for at in range(turns):
        made.turn(f"Question {at}", text(f"Answer {at}"))
    return made


def marked(prompt: Prompt) -> list[str]:
    """The texts at whose ends the cache is written."""
    return [str(prompt.messages[one.message]["content"][one.block].get("text")) for one in prompt.markers]


def test_the_cache_is_written_at_the_newest_message_and_found_where_it_was_written() -> None:
    made = talk()
    assert marked(made.heard[0][0]) == ["Question 0"]
    assert marked(made.heard[2][0]) == ["Question 1", "Question 2"]


def test_a_marker_that_the_next_one_would_not_find_is_set_again() -> None:
    made = talk(1)
    many = [text(f"Block {at}") for at in range(30)]
    prompt = made.turn(many, text("Yes"))
    assert marked(prompt) == ["Question 0", "Block 29"], "the cache looks back at most 20 blocks"


def test_in_a_tool_loop_each_round_goes_on_from_the_one_before() -> None:
    made = talk(1)
    made.turn("Look", thinking(), call("x"))
    prompt = made.turn([result("x")], text("Done"))
    assert len(prompt.markers) == 2
    assert prompt.messages[-1]["content"][prompt.markers[-1].block]["type"] == "tool_result"
    assert marked(prompt)[0] == "Look"


def test_an_instruction_is_not_written_into_the_cache() -> None:
    go_on = replace(user("Go on"), is_instruction=True)
    prompt = assembled(user("One"), answer(text("Half an")), go_on)
    assert marked(prompt) == ["Half an"]


def test_all_markers_live_equally_long_and_the_systems_longest() -> None:
    made = talk()
    for _ in range(6):
        made.turn("Hm", text("Yes"), seconds=900)
    prompt = made.heard[-1][0]
    assert {one.ttl for one in prompt.markers} == {prompt.plan.ttl}
    assert prompt.as_request()["system"][0]["cache_control"]["ttl"] == "1h"


def test_tokens_by_source_add_up() -> None:
    made = talk()
    made.ask = replace(made.ask, tools=(TOOL,))
    made.turn("Hm " * 40, text("Yes"))
    prompt, truth = made.heard[-1]
    sources = prompt.plan.sources
    assert sources.total == prompt.plan.prompt_tokens == pytest.approx(truth, rel=0.15)
    assert min(sources.system, sources.tools, sources.new) > 30
    assert (sources.summary, sources.pins, sources.recalled) == (0, 0, 0)


def test_without_system_and_tools_they_take_nothing() -> None:
    sources = assembled(user("One"), answer(text("Two")), user("Three")).plan.sources
    assert (sources.system, sources.tools) == (0, 0)
    assert sources.history > 0 < sources.new


def test_what_stands_before_the_newest_turn_is_said_in_order() -> None:
    made = talk(8)
    made.ask = replace(made.ask, budget_tokens=600, recall_tokens=250)
    made.recall = lambda _, before, __: [[made.path[2]]] if before > 2 else []
    made.pin(0)
    sent = texts(made.prompt_for(user("Now " * 60, 16)))
    assert made.path[0].is_pinned
    places = [sent.index(one) for one in ("Question 0", "Question 7", "Question 1", "Now Now")]
    assert places == sorted(places), "pinned, kept, recalled, new"


def test_a_message_of_which_nothing_can_be_sent_is_no_prompt() -> None:
    with pytest.raises(Invalid):
        assembled(user("One"), answer(text("Two")), Entry("r", "user", [result("y"), text(" ")]))


def test_thinking_that_goes_back_is_in_the_history() -> None:
    made = talk(1)
    made.turn("Hm", thinking("sig", "Let me see. " * 40), text("Yes"))
    prompt = made.prompt_for(user("So?", 4))
    assert prompt.state.thinking_messages == 1
    assert prompt.state.thinking_tokens > 100
    assert prompt.plan.prompt_tokens == pytest.approx(counted(prompt.as_request()), rel=0.2)
