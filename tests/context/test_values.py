"""A prompt as a request: what Claude is sent, and only that."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from app.claude import rules
from app.context import Ask, Entry, Window
from app.context.values import Marker, Past, nobody_counts, nothing_found
from tests.context.talks import ASK, MODEL, NOW, answer, assembled, text, user

MESSAGES = ({"role": "user", "content": [{"type": "text", "text": "Hello"}]},)
PROMPT = replace(assembled(user("Hello"), ask=replace(ASK, max_tokens=100)), markers=())
TOOL = {"name": "t", "description": "d", "input_schema": {"type": "object"}}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def test_a_plain_prompt_has_no_empty_fields_and_nothing_of_ours() -> None:
    assert PROMPT.as_request() == {"model": MODEL, "max_tokens": 100, "messages": list(MESSAGES)}
    assert "system" not in replace(PROMPT, system="").as_request()


def test_tools_and_system_stand_before_the_messages_as_the_cache_reads_them() -> None:
    body = replace(PROMPT, system="Be brief.", tools=(TOOL,)).as_request()
    assert list(body) == ["model", "max_tokens", "tools", "system", "messages"]
    assert body["system"] == [{**text("Be brief."), "cache_control": HOUR}]
    assert body["tools"] == [TOOL], "one marker after both is enough"
    assert rules.violations(body) == []


def test_without_a_system_prompt_the_last_tool_is_marked() -> None:
    other = {**TOOL, "name": "u"}
    body = replace(PROMPT, tools=(TOOL, other)).as_request()
    assert body["tools"] == [TOOL, {**other, "cache_control": HOUR}]


def test_markers_stand_at_the_blocks_they_name_and_change_nothing_that_is_kept() -> None:
    prompt = assembled(user("One"), answer(text("Two"), text("Three")), user("Four"))
    marked = replace(prompt, markers=(Marker(1, 0, "1h"), Marker(2, 0, "5m"))).as_request()
    assert marked["messages"][1]["content"] == [{**text("Two"), "cache_control": HOUR}, text("Three")]
    assert marked["messages"][2]["content"][0]["cache_control"]["ttl"] == "5m"
    assert replace(prompt, markers=()).as_request()["messages"] == list(prompt.messages)


def test_a_request_may_be_changed_without_changing_the_prompt() -> None:
    body = replace(PROMPT, tools=(TOOL,)).as_request()
    body["messages"].append("x")
    body["tools"].clear()
    assert PROMPT.messages == MESSAGES
    assert PROMPT.as_request()["messages"] == list(MESSAGES)


def test_the_digest_is_of_every_byte_that_is_sent() -> None:
    assert PROMPT.digest == replace(PROMPT).digest
    changed = (
        replace(PROMPT, max_tokens=99),
        replace(PROMPT, system="Be brief."),
        replace(PROMPT, tools=(TOOL,)),
        replace(PROMPT, markers=(Marker(0, 0, "5m"),)),
        replace(PROMPT, messages=({"role": "user", "content": [text("Hello\ud800")]},)),
    )
    assert len({PROMPT.digest, *(one.digest for one in changed)}) == 6


@pytest.mark.parametrize(
    "value", [PROMPT, PROMPT.plan, PROMPT.state, Ask("m", 1), Window("m", 2, 1), Entry("a", "user", [])]
)
def test_values_do_not_change(value: object) -> None:
    with pytest.raises(FrozenInstanceError):
        value.model = "x"  # type: ignore[attr-defined]


def test_what_is_not_said_is_left_to_the_model() -> None:
    ask = Ask("m", 1)
    assert (ask.system, ask.budget_tokens, tuple(ask.tools)) == (None, 0, ())
    assert Window("m", 2, 1).tokens_factor == 1


def test_a_past_without_more_finds_nothing_and_counts_nothing() -> None:
    past = Past([], NOW)
    assert (past.recall, past.count) == (nothing_found, nobody_counts)
    assert (list(past.recall("x", 5, 100)), past.count({})) == ([], None)
