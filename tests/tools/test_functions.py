"""Functions of the server as tools."""

from __future__ import annotations

from typing import Any

import pytest

from app.tools.functions import scene, tool_of
from app.tools.values import Scene, ToolFailed

HERE = Scene("usr_1", "ses_1", "msg_1")


def whoami(greeting: str = "Hello") -> str:
    """Say who asks."""
    return f"{greeting}, {scene().user_id}"


def test_a_function_becomes_a_tool_and_knows_its_scene() -> None:
    tool = tool_of(whoami)
    assert tool.declaration == {
        "name": "whoami",
        "description": "Say who asks.",
        "input_schema": {
            "type": "object",
            "properties": {"greeting": {"type": "string", "default": "Hello"}},
            "additionalProperties": False,
        },
    }
    assert (tool.needs_approval, tool.is_parallel) == (False, True)
    assert tool.act({}, HERE) == "Hello, usr_1"
    assert tool.act({"greeting": "Hi"}, HERE) == "Hi, usr_1"


def test_the_scene_is_known_in_the_call_only() -> None:
    tool_of(whoami).act({}, HERE)
    with pytest.raises(LookupError):
        scene()


def test_it_may_need_approval_and_run_alone() -> None:
    tool = tool_of(whoami, needs_approval=True, is_parallel=False)
    assert (tool.needs_approval, tool.is_parallel) == (True, False)


def test_wrong_arguments_are_said_in_words() -> None:
    with pytest.raises(ToolFailed, match="The arguments are wrong: greeting: Input should be a valid string"):
        tool_of(whoami).act({"greeting": 3}, HERE)


def test_a_function_that_cannot_be_one_is_refused() -> None:
    def bare(one: Any) -> None: ...

    with pytest.raises(TypeError, match="docstring"):
        tool_of(bare)
