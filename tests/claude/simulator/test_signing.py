"""Thinking blocks that come back, over real HTTP."""

import json
from typing import Any

import anthropic
import pytest

ASK: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 300,
    "messages": [{"role": "user", "content": "Hello"}],
}


def answer_to(client: anthropic.Anthropic, **fields: Any) -> dict[str, Any]:
    message = client.messages.create(**{**ASK, **fields})
    content = json.loads(message.to_json())["content"]
    return {"role": "assistant", "content": content}


def test_thinking_that_comes_back_as_it_was_is_taken(client: anthropic.Anthropic) -> None:
    messages = list(ASK["messages"])
    for _ in range(3):
        messages += [answer_to(client, messages=messages), {"role": "user", "content": "Go on"}]
    assert [block["type"] for block in messages[-2]["content"]] == ["thinking", "text"]


@pytest.mark.parametrize(
    "change",
    [
        {"system": "Another."},
        {"model": "claude-sonnet-5-5"},
        {"tools": [{"name": "a", "input_schema": {"type": "object"}}]},
        {"messages": [{"role": "user", "content": "Hi"}]},
    ],
)
def test_thinking_over_another_conversation_is_refused(
    client: anthropic.Anthropic, change: dict[str, Any]
) -> None:
    answer = answer_to(client)
    later = [answer, {"role": "user", "content": "Go on"}]
    changed = {**ASK, **change}
    changed["messages"] = [*changed["messages"], *later]
    with pytest.raises(
        anthropic.BadRequestError, match=r"messages\.1\.content\.0: .* different conversation"
    ):
        client.messages.create(**changed)


def test_thinking_that_was_changed_is_refused(client: anthropic.Anthropic) -> None:
    answer = answer_to(client)
    answer["content"][0]["thinking"] = "Something else"
    messages = [*ASK["messages"], answer, {"role": "user", "content": "Go on"}]
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
        client.messages.create(**{**ASK, "messages": messages})


def test_thinking_of_later_turns_is_invalid_once_an_early_one_is_dropped(client: anthropic.Anthropic) -> None:
    messages = list(ASK["messages"])
    for _ in range(2):
        messages += [answer_to(client, messages=messages), {"role": "user", "content": "Go on"}]
    with pytest.raises(anthropic.BadRequestError, match=r"messages\.1\.content\.0"):
        client.messages.create(**{**ASK, "messages": messages[2:]})
    stripped = [*messages[2:3], {"role": "assistant", "content": messages[3]["content"][1:]}, messages[4]]
    assert client.messages.create(**{**ASK, "messages": stripped}).stop_reason == "end_turn"


def test_thinking_is_not_looked_at_by_older_models(client: anthropic.Anthropic) -> None:
    messages = [*ASK["messages"], answer_to(client), {"role": "user", "content": "Go on"}]
    message = client.messages.create(**{**ASK, "model": "claude-opus-5", "messages": messages})
    assert [block.type for block in message.content] == ["text"]
