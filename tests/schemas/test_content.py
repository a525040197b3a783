"""Content as it is sent and as it is imported."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.schemas.content import as_blocks, check


def test_a_string_is_a_text_block() -> None:
    assert as_blocks("a") == [{"type": "text", "text": "a"}]
    blocks = [{"text": "a", "type": "text"}]
    assert as_blocks(blocks) is blocks, "blocks stay as they came"


@pytest.mark.parametrize("value", [None, 5, {}, [None], [{}], [{"type": 5}]])
def test_what_is_neither_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        as_blocks(value)


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("user", {"type": "tool_use", "id": "a", "name": "n", "input": {}}),
        ("assistant", {"type": "tool_result", "tool_use_id": "a"}),
        ("assistant", {"type": "tool_use", "id": "a b", "name": "n", "input": {}}),
        ("assistant", {"type": "thinking", "thinking": "a"}),
        ("user", {"type": "text", "text": "a", "extra": 1}),
    ],
)
def test_each_role_may_say_only_its_own_blocks(role: str, block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        check(role, [{"type": "text", "text": "fine"}, block])
    assert list(caught.value.messages) == [1]  # type: ignore[arg-type]


def test_what_claude_takes_is_taken() -> None:
    check("assistant", [{"type": "tool_use", "id": "a", "name": "n", "input": {"x": 1}}])
    check("user", [{"type": "tool_result", "tool_use_id": "a", "content": "ok", "is_error": True}])
    check("assistant", [])


@pytest.mark.parametrize("names", [["¹"], ["text.x", "text"], ["_schema"], [""], ["0"], ["a.b", "a"], ["/~"]])
def test_a_block_may_have_any_wrong_names(names: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        check("user", [{"type": "text", **dict.fromkeys(names, 5)}])
    assert list(caught.value.messages) == [0]  # type: ignore[arg-type]


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.none())))
def test_no_block_whatsoever_breaks_the_check(fields: dict[str, Any]) -> None:
    for type_ in ("text", "image", "document", "tool_result", "unheard_of"):
        for role in ("user", "assistant"):
            with contextlib.suppress(ValidationError):
                check(role, [{**fields, "type": type_}])
