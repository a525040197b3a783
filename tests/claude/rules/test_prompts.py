"""A request as the run of pieces Claude reads."""

from typing import Any

from app.claude.rules.prompts import markers, pieces, without_markers

MARKER = {"type": "ephemeral"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_tools_come_first_then_system_then_messages() -> None:
    request = {
        "messages": [{"role": "user", "content": "Hello"}],
        "system": "Be brief.",
        "tools": [{"name": "add"}],
    }
    assert [(piece.path, piece.part) for piece in pieces(request)] == [
        ("tools.0", "tools"),
        ("system.0", "system"),
        ("messages.0.content.0", "user"),
    ]


def test_text_is_one_block() -> None:
    [piece] = pieces({"messages": [{"role": "user", "content": "Hello"}]})
    assert piece.block == text("Hello")
    assert list(pieces({"messages": [{"role": "user", "content": ""}]})) == []


def test_same_roles_in_a_row_are_one_turn() -> None:
    roles = ["user", "user", "assistant", "user"]
    messages = [{"role": role, "content": [text("a"), text("b")]} for role in roles]
    found = list(pieces({"messages": messages}))
    assert [piece.turn for piece in found] == [0, 0, 0, 0, 1, 1, 2, 2]
    assert [piece.starts_turn for piece in found] == [True, False, False, False, True, False, True, False]


def test_only_messages_have_turns() -> None:
    request = {"system": "Be brief.", "messages": [{"role": "user", "content": "Hello"}]}
    assert [piece.is_message for piece in pieces(request)] == [False, True]


def test_markers_are_found_inside_blocks_and_taken_out() -> None:
    inner = {**text("a"), "cache_control": MARKER}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [inner], "cache_control": MARKER}
    document = {"type": "document", "source": {"type": "content", "content": [inner]}}
    assert [path for path, _ in markers(result)] == ["content.0.cache_control", "cache_control"]
    assert [path for path, _ in markers(document)] == ["source.content.0.cache_control"]
    assert without_markers(result) == {"type": "tool_result", "tool_use_id": "t", "content": [text("a")]}
    assert list(markers(without_markers(document))) == []


def test_what_only_looks_like_a_marker_stays() -> None:
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {"cache_control": 1}}
    assert without_markers(use) == use
    assert list(markers({**text("a"), "cache_control": None})) == []
