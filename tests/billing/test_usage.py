"""Usage as Claude reports it, in every shape that is published."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from app.billing.usage import CLASSES, MOST_TOKENS, Usage

SPLIT = {"ephemeral_5m_input_tokens": 12, "ephemeral_1h_input_tokens": 18}


def test_every_class_is_taken_from_the_usage_of_an_answer() -> None:
    said = {
        "input_tokens": 10,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 30,
        "cache_creation": SPLIT,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 5},
        "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 4},
        "service_tier": "standard",
        "speed": "fast",
    }
    assert Usage.from_claude(said) == Usage(10, 20, 12, 18, 7, 3, "fast")


def test_cache_writes_without_a_split_are_of_five_minutes() -> None:
    assert Usage.from_claude({"cache_creation_input_tokens": 9}).cache_write_5m_tokens == 9
    assert Usage.from_claude({"cache_creation_input_tokens": 9, "cache_creation": None}).prompt_tokens == 9


def test_what_was_written_after_the_split_was_told_is_of_five_minutes() -> None:
    used = Usage.from_claude({"cache_creation_input_tokens": 40, "cache_creation": SPLIT})
    assert (used.cache_write_5m_tokens, used.cache_write_1h_tokens) == (22, 18)


def test_a_split_without_a_sum_is_believed() -> None:
    assert Usage.from_claude({"cache_creation": SPLIT}) == Usage(0, 0, 12, 18)


@pytest.mark.parametrize("odd", [None, "many", -5, [1], {}, 10**12, 1.5])
def test_odd_counts_are_no_harm(odd: Any) -> None:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    odd_split = dict.fromkeys(SPLIT, odd)
    said = dict.fromkeys(names, odd) | {"cache_creation": odd_split, "server_tool_use": odd}
    used = Usage.from_claude(said)
    assert all(0 <= tokens <= MOST_TOKENS for tokens in used.tokens.values())
    assert used.web_searches == 0


@pytest.mark.parametrize(
    ("said", "speed"), [("standard", "standard"), ("x" * 17, None), ("a\0b", None), (7, None)]
)
def test_a_speed_is_kept_where_a_column_can_hold_it(said: Any, speed: str | None) -> None:
    assert Usage.from_claude({"speed": said}).speed == speed


def test_the_tokens_are_the_five_columns_and_no_more() -> None:
    used = Usage(1, 2, 3, 4, 5, 6, "fast")
    assert used.tokens == dict(zip(CLASSES, range(1, 6), strict=True))
    assert set(asdict(used)) - set(used.tokens) == {"web_searches", "speed"}
    assert used.prompt_tokens == 10
