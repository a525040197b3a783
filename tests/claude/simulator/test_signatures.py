"""What a thinking signature is bound to."""

from typing import Any

import pytest

from app.claude.simulator.signatures import prefix_digest, thinking_digests

HELLO = {"role": "user", "content": "Hello"}
THINKING = {"type": "thinking", "thinking": "", "signature": "abc"}
BASE: dict[str, Any] = {"model": "claude-opus-5-5", "messages": [HELLO]}


def block(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **fields}


@pytest.mark.parametrize(
    "same",
    [
        {"messages": [{"role": "user", "content": [block("Hello")]}]},
        {"messages": [{"role": "user", "content": [block("Hello", cache_control={"type": "ephemeral"})]}]},
        {"max_tokens": 5, "stream": True, "cache_control": {"type": "ephemeral"}},
    ],
)
def test_form_and_markers_do_not_count(same: dict[str, Any]) -> None:
    assert prefix_digest({**BASE, **same}) == prefix_digest(BASE)


@pytest.mark.parametrize(
    "other",
    [
        {"model": "claude-opus-5"},
        {"system": "Be brief."},
        {"tools": [{"name": "a", "input_schema": {}}]},
        {"messages": [{"role": "user", "content": "Hello!"}]},
        {"messages": [{"role": "assistant", "content": "Hello"}]},
        {"messages": [HELLO, HELLO]},
    ],
)
def test_everything_said_counts(other: dict[str, Any]) -> None:
    assert prefix_digest({**BASE, **other}) != prefix_digest(BASE)


def test_same_roles_in_a_row_are_one_turn() -> None:
    merged = {"role": "user", "content": [block("Hello"), block("Hello")]}
    assert prefix_digest({**BASE, "messages": [HELLO, HELLO]}) == prefix_digest(
        {**BASE, "messages": [merged]}
    )


def test_system_text_equals_its_block() -> None:
    assert prefix_digest({**BASE, "system": "Be brief."}) == prefix_digest(
        {**BASE, "system": [block("Be brief.")]}
    )


def test_the_order_of_keys_counts() -> None:
    def using(**given: int) -> str:
        use = {"type": "tool_use", "id": "t", "name": "n", "input": given}
        return prefix_digest({**BASE, "messages": [HELLO, {"role": "assistant", "content": [use]}]})

    assert using(a=1, b=2) != using(b=2, a=1)


def test_markers_inside_a_result_do_not_count() -> None:
    def answered(inner: dict[str, Any]) -> str:
        result = {"type": "tool_result", "tool_use_id": "t", "content": [inner]}
        return prefix_digest({**BASE, "messages": [{"role": "user", "content": [result]}]})

    assert answered(block("3", cache_control={"type": "ephemeral"})) == answered(block("3"))


def test_a_block_sent_back_has_the_digest_its_request_had() -> None:
    answer = {"role": "assistant", "content": [THINKING, block("Hi")]}
    [(piece, digest)] = thinking_digests({**BASE, "messages": [HELLO, answer, HELLO]})
    assert piece.path == "messages.1.content.0"
    assert digest == prefix_digest(BASE)


def test_earlier_thinking_is_part_of_what_comes_before() -> None:
    def last_digest(first: list[Any]) -> str:
        messages = [
            HELLO,
            {"role": "assistant", "content": first},
            HELLO,
            {"role": "assistant", "content": [THINKING]},
        ]
        return list(thinking_digests({**BASE, "messages": messages}))[-1][1]

    assert last_digest([THINKING, block("Hi")]) != last_digest([block("Hi")])
