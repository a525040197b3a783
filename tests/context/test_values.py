"""A prompt as a request: what Claude is sent, and only that."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from app.claude import rules
from app.context import Ask, Entry, Plan, Prompt, Window

PLAN = Plan(100, 0, 0, 5, "msg_1")
MESSAGES = ({"role": "user", "content": [{"type": "text", "text": "Hello"}]},)
PROMPT = Prompt("claude-sonnet-5-5", 100, MESSAGES, "digest", PLAN)
TOOL = {"name": "t", "description": "d", "input_schema": {"type": "object"}}


def test_a_plain_prompt_has_no_empty_fields_and_nothing_of_ours() -> None:
    assert PROMPT.as_request() == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 100,
        "messages": list(MESSAGES),
        "cache_control": {"type": "ephemeral"},
    }
    assert "system" not in replace(PROMPT, system="").as_request()


def test_tools_and_system_stand_before_the_messages_as_the_cache_reads_them() -> None:
    body = replace(PROMPT, system="Be brief.", tools=(TOOL,)).as_request()
    assert list(body) == ["model", "max_tokens", "tools", "system", "messages", "cache_control"]
    assert (body["system"], body["tools"]) == ("Be brief.", [TOOL])
    assert rules.violations(body) == []


def test_a_request_may_be_changed_without_changing_the_prompt() -> None:
    body = replace(PROMPT, tools=(TOOL,)).as_request()
    body["messages"].append("x")
    body["tools"].clear()
    assert PROMPT.messages == MESSAGES
    assert PROMPT.as_request()["messages"] == list(MESSAGES)


@pytest.mark.parametrize("value", [PROMPT, PLAN, Ask("m", 1), Window("m", 2, 1), Entry("a", "user", [])])
def test_values_do_not_change(value: object) -> None:
    with pytest.raises(FrozenInstanceError):
        value.model = "x"  # type: ignore[attr-defined]


def test_what_is_not_said_is_left_to_the_model() -> None:
    ask = Ask("m", 1)
    assert (ask.system, ask.budget_tokens, tuple(ask.tools)) == (None, 0, ())
    assert Window("m", 2, 1).tokens_factor == 1
    assert PLAN.left_out_ids == ()
