"""Counting: our estimate, and Claude's word."""

from __future__ import annotations

from typing import Any

import pytest

from app.claude.simulator import Simulator
from app.errors import ModelNotFound
from app.services import tokens
from app.services.identity import Caller
from app.services.settings import Wishes
from tests.services.conftest import say

NOTHING = Wishes()


def said(*texts: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [
        {"role": roles[at % 2], "content": [{"type": "text", "text": text}]} for at, text in enumerate(texts)
    ]


def test_an_estimate_grows_with_each_part_and_asks_nobody(ada: Caller, simulator: Simulator) -> None:
    asked = len(simulator.requests)
    less = tokens.count(said("Hello"), NOTHING, False)
    assert less.method == "estimate"
    assert tokens.count(said("Hello", "Hi"), NOTHING, False).input_tokens > less.input_tokens
    with_system = tokens.count(said("Hello"), Wishes(system="Be brief."), False)
    assert with_system.input_tokens > less.input_tokens
    assert len(simulator.requests) == asked


def test_older_models_count_less_of_the_same(ada: Caller) -> None:
    long = said("The quick brown fox jumps over the lazy dog. " * 50)
    new = tokens.count(long, Wishes(model="claude-sonnet-5-5"), False).input_tokens
    old = tokens.count(long, Wishes(model="claude-opus-4-6"), False).input_tokens
    assert new * 0.7 < old < new * 0.85


def test_the_estimate_is_near_what_claude_counts(ada: Caller) -> None:
    long = said("What is a monad, and why would anybody want one? " * 40)
    exact = tokens.count(long, NOTHING, True)
    assert exact.method == "exact"
    assert 0.9 < tokens.count(long, NOTHING, False).input_tokens / exact.input_tokens < 1.5


def test_what_is_counted_is_what_would_be_sent(ada: Caller) -> None:
    used = say(ada, "How much is this?")[1]
    prompt = (used.input_tokens or 0) + (used.cache_read_tokens or 0) + (used.cache_write_5m_tokens or 0)
    assert tokens.count(said("How much is this?"), NOTHING, True).input_tokens == prompt


def test_a_history_that_claude_would_refuse_is_mended_first(ada: Caller, simulator: Simulator) -> None:
    tokens.count(said("One", "  ", "Three"), NOTHING, True)
    assert [one["role"] for one in simulator.requests[-1].body["messages"]] == ["user"]


def test_a_model_nobody_knows_is_estimated_but_not_counted(ada: Caller) -> None:
    wishes = Wishes(model="gpt-4")
    assert tokens.count(said("Hello"), wishes, False).input_tokens > 0
    with pytest.raises(ModelNotFound):
        tokens.count(said("Hello"), wishes, True)
