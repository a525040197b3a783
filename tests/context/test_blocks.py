"""Which blocks go to Claude."""

from __future__ import annotations

from typing import Any

import pytest

from app.context.blocks import pair_key, taken, unmarked

MARK = {"type": "ephemeral"}
TEXT = {"type": "text", "text": "Hi"}


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_plain_text_goes_as_it_is_and_blank_text_does_not(role: str) -> None:
    assert taken(role, TEXT) is TEXT
    assert taken(role, {**TEXT, "cache_control": MARK}) == TEXT
    assert taken(role, {"type": "text", "text": " \n"}) is None


def test_what_claude_wrote_and_does_not_take_is_left_out_or_reduced_to_its_text() -> None:
    unheard_of: dict[str, Any] = {"type": "block_of_tomorrow", "value": 1}
    assert taken("assistant", unheard_of) is None
    assert taken("user", unheard_of) == unheard_of, "it was looked at when it came"
    assert taken("assistant", {**TEXT, "of_tomorrow": 1}) == TEXT


def test_cache_markers_go_wherever_they_stand_and_nothing_else_does() -> None:
    block = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{**TEXT, "cache_control": MARK}, "plain"],
        "cache_control": MARK,
    }
    assert unmarked(block) == {"type": "tool_result", "tool_use_id": "t", "content": [TEXT, "plain"]}
    assert block["cache_control"] == MARK, "what is stored stays as it was"
    source = {"type": "content", "content": [{**TEXT, "cache_control": MARK}]}
    document = {"type": "document", "source": source}
    assert unmarked(document) == {"type": "document", "source": {"type": "content", "content": [TEXT]}}
    assert unmarked(TEXT) is TEXT
    call = {"type": "tool_use", "id": "t", "name": "n", "input": {"cache_control": "mine"}}
    assert unmarked(call) is call


def test_calls_and_results_are_known_by_their_ids() -> None:
    assert pair_key({"type": "tool_use", "id": "t"}) == ("use", "t")
    assert pair_key({"type": "server_tool_use", "id": "t"}) == ("use", "t")
    assert pair_key({"type": "tool_result", "tool_use_id": "t"}) == ("result", "t")
    assert pair_key(TEXT) is None
