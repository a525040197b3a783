"""Tool definitions and the choice among them."""

from typing import Any

import pytest

from app.claude import rules

ADD = {"name": "add", "input_schema": {"type": "object"}}
OBJECT = {"type": "object"}


def found(model: str = "claude-opus-5-5", **fields: Any) -> list[str]:
    messages = [{"role": "user", "content": "Hello"}]
    request = {"model": model, "max_tokens": 2_000, "messages": messages, **fields}
    return [str(violation) for violation in rules.violations(request)]


@pytest.mark.parametrize(
    "tool",
    [
        ADD,
        {
            **ADD,
            "type": "custom",
            "strict": True,
            "description": "Adds.",
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_fetch_20260318", "name": "web_fetch", "max_uses": 3},
    ],
)
def test_tools_are_taken(tool: dict[str, Any]) -> None:
    assert found(tools=[tool]) == []


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ({"name": "add"}, "tools.0.input_schema: Field required"),
        ({"input_schema": OBJECT}, "tools.0.name: Field required"),
        ({**ADD, "name": "a b"}, "tools.0.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"),
        ({**ADD, "input_schema": {}}, "tools.0.input_schema.type: Field required"),
        ({**ADD, "input_schema": "{}"}, "tools.0.input_schema: Input should be a valid dictionary"),
        ({**ADD, "input_schema": {"type": "string"}}, "tools.0.input_schema.type: Input should be 'object'"),
        ({**ADD, "colour": 1}, "tools.0.colour: Extra inputs are not permitted"),
        ("add", "tools.0: Input should be a valid dictionary"),
        (
            {**ADD, "input_schema": {"type": "object", "anyOf": []}},
            "tools.0.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
        ),
    ],
)
def test_wrong_tools_are_refused(tool: Any, message: str) -> None:
    assert found(tools=[tool]) == [message]


@pytest.mark.parametrize("kind", ["hammer", ["list"]])
def test_an_unknown_type_of_tool_is_refused(kind: Any) -> None:
    assert len(found(tools=[{"type": kind, "name": "a"}])) == 1


def test_names_are_not_used_twice() -> None:
    assert found(tools=[ADD, ADD]) == ["tools: Tool names must be unique."]


def test_a_choice_needs_tools() -> None:
    expected = "tool_choice: tool_choice may only be specified while providing tools."
    assert found(tool_choice={"type": "auto"}) == [expected]
    assert found(tool_choice={"type": "none"}) == []


def test_a_named_tool_is_among_the_tools() -> None:
    choice = {"type": "tool", "name": "subtract"}
    assert found("claude-opus-5", tools=[ADD], tool_choice=choice) == [
        "tool_choice: Tool 'subtract' not found in provided tools"
    ]


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "add"}])
def test_a_tool_cannot_be_forced_on_some_models(choice: dict[str, str]) -> None:
    for model in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"):
        assert found(model, tools=[ADD], tool_choice=choice) == [
            "tool_choice: tool_choice that forces tool use is not supported for this model."
        ]
    assert found("claude-opus-5", tools=[ADD], tool_choice=choice) == []


def test_a_tool_is_not_forced_while_thinking() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1_024}
    found_both = found("claude-opus-4-5", tools=[ADD], tool_choice={"type": "any"}, thinking=thinking)
    assert found_both == ["Thinking may not be enabled when tool_choice forces tool use."]
