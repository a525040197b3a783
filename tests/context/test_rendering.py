"""From a path to messages: the steps, by values."""

from __future__ import annotations

from typing import Any

import pytest

from app.context import Ask, Entry
from app.context.rendering import Digest, render

ASK = Ask("claude-sonnet-5-5", 100)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(id_: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "t", "input": {}}


def result(id_: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": "ok"}


def thinking(signature: str = "s") -> dict[str, Any]:
    return {"type": "thinking", "thinking": "", "signature": signature}


def said(*turns: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Renders turns that begin with the user and alternate: roles, and what stands in each block."""
    roles = ("user", "assistant")
    path = [Entry(str(at), roles[at % 2], blocks) for at, blocks in enumerate(turns)]
    shown = render(path, ASK).messages
    return [
        (
            one["role"],
            [
                str(block.get("text") or block.get("id") or block.get("tool_use_id"))
                for block in one["content"]
            ],
        )
        for one in shown
    ]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([[text("a")]], [("user", ["a"])]),
        ([[text("a")], [text("b")], [text("c")]], [("user", ["a"]), ("assistant", ["b"]), ("user", ["c"])]),
        ([[], [text("b")], [text("c")]], [("user", ["c"])]),
        ([[text("a")], [text("  ")], [text("c")]], [("user", ["a", "c"])]),
        ([[text("a")], [thinking()], [text("c")]], [("user", ["a", "c"])]),
        (
            [[text("a")], [text("b"), thinking()], [text("c")]],
            [("user", ["a"]), ("assistant", ["b"]), ("user", ["c"])],
        ),
        ([[text("a")], [call("x")], [result("x")]], [("user", ["a"]), ("assistant", ["x"]), ("user", ["x"])]),
        (
            [[text("a")], [call("x")], [text("c"), result("x")]],
            [("user", ["a"]), ("assistant", ["x"]), ("user", ["x", "c"])],
        ),
        ([[text("a")], [call("x")], [text("c")]], [("user", ["a", "c"])]),
        (
            [[text("a")], [text("b")], [result("x"), text("c")]],
            [("user", ["a"]), ("assistant", ["b"]), ("user", ["c"])],
        ),
        (
            [[text("a")], [call("x"), call("y")], [result("y")]],
            [("user", ["a"]), ("assistant", ["y"]), ("user", ["y"])],
        ),
        (
            [[text("a")], [call("x")], [result("x")], [call("x")], [result("x"), text("e")]],
            [("user", ["a"]), ("assistant", ["x"]), ("user", ["x", "e"])],
        ),
        ([[result("x")], [text("b")], [text("c")]], [("user", ["c"])]),
    ],
)
def test_what_is_left_obeys_the_rules(turns: list[list[dict[str, Any]]], expected: list[Any]) -> None:
    assert said(*turns) == expected


def test_the_digest_is_of_all_that_stands_before() -> None:
    path = [Entry("1", "user", [text("a")])]
    whole = render(path, ASK).bound_to
    digest = Digest(ASK)
    assert whole != digest.value
    digest.add({"role": "user", "content": [text("a")]})
    assert whole == digest.value
    assert render(path, Ask("claude-opus-5-5", 100)).bound_to != whole
    assert render(path, Ask("claude-sonnet-5-5", 999)).bound_to == whole, "max_tokens binds nothing"


def test_the_order_of_keys_counts() -> None:
    one = render([Entry("1", "user", [{"type": "text", "text": "a"}])], ASK).bound_to
    two = render([Entry("1", "user", [{"text": "a", "type": "text"}])], ASK).bound_to
    assert one != two


def test_unsigned_thinking_is_never_sent() -> None:
    bound_to = render([Entry("1", "user", [text("a")])], ASK).bound_to
    path = [
        Entry("1", "user", [text("a")]),
        Entry("2", "assistant", [thinking(""), thinking("s"), text("b")], ASK.model, bound_to),
        Entry("3", "user", [text("c")]),
    ]
    assert render(path, ASK).messages[1]["content"] == [thinking("s"), text("b")]


def test_what_was_stored_is_not_changed() -> None:
    content = [text("a"), text(" ")]
    path = [Entry("1", "user", content), Entry("2", "user", [text("b")])]
    render(path, ASK)
    assert content == [text("a"), text(" ")]
