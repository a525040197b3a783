"""What a prompt is decided on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.context.scene import Scene, digest_of, seen
from tests.context.talks import ASK, LARGE, Talk, answer, call, in_line, past, result, text, user

OLDER = "claude-opus-4-6"
TOOL = {"name": "t", "description": "d " * 50, "input_schema": {"type": "object"}}


def talk() -> Talk:
    made = Talk(ask=replace(ASK, system="Be brief. " * 20))
    made.turn("word " * 80, text("Yes"))
    return made


def scene(of: Talk, silence_seconds: float = 30, **changes: Any) -> Scene:
    of.at += timedelta(seconds=silence_seconds)
    ask = replace(of.ask, **changes)
    return seen(of.past(user("Hm", len(of.path))), ask, replace(of.limits, model=ask.model))


def test_a_first_prompt_is_cold_and_knows_nothing() -> None:
    first = seen(past(user("One")), ASK, LARGE)
    assert (first.is_cold, first.has_same_base, first.is_other_model) == (True, False, False)
    assert first.silence_seconds == float("inf")
    assert first.silences.as_json() == [0, 0, 0]


@pytest.mark.parametrize(
    ("ttl", "seconds", "is_cold"),
    [("5m", 299, False), ("5m", 300, True), ("1h", 300, False), ("1h", 3_600, True)],
)
def test_the_cache_is_cold_after_its_life(ttl: str, seconds: float, is_cold: bool) -> None:
    made = talk()
    assert made.state is not None
    made.state = replace(made.state, ttl=ttl)
    assert scene(made, seconds).is_cold is is_cold


def test_another_model_has_a_cache_and_tokens_of_its_own() -> None:
    other = scene(talk(), model=OLDER)
    assert (other.is_other_model, other.is_cold, other.has_same_base) == (True, True, False)


@pytest.mark.parametrize("changes", [{"system": "Other."}, {"tools": (TOOL,)}])
def test_system_and_tools_are_estimated_anew_when_they_change(changes: dict[str, Any]) -> None:
    same, other = scene(talk()), scene(talk(), **changes)
    assert (same.has_same_base, other.has_same_base) == (True, False)
    assert same.base_tokens != other.base_tokens > 0


def test_where_claude_counted_more_than_was_expected_all_is_more() -> None:
    made = talk()
    plain = seen(made.past(user("word " * 50, 2)), made.ask, made.limits)
    more = seen(replace(made.past(user("word " * 50, 2)), correction=1.5), made.ask, made.limits)
    assert more.base_tokens == pytest.approx(1.5 * plain.base_tokens, abs=2)
    assert sum(more.sizes.tokens) == pytest.approx(1.5 * sum(plain.sizes.tokens), abs=3)
    assert more.rates.estimate(plain.sizes.doubtful_from(0)) > 1.3 * plain.rates.estimate(
        plain.sizes.doubtful_from(0)
    )


def test_a_tool_loop_is_known_by_its_newest_message() -> None:
    loop = in_line(user("One"), answer(call("x")), replace(user(""), content=[result("x")]))
    assert seen(past(*loop), ASK, LARGE).is_in_tool_loop
    assert not seen(past(*loop[:1]), ASK, LARGE).is_in_tool_loop
    go_on = replace(user("Go on", 2), is_instruction=True)
    assert not seen(past(*loop[:2], go_on), ASK, LARGE).is_in_tool_loop


def test_digests_are_of_the_bytes() -> None:
    assert digest_of({"a": 1, "b": 2}) != digest_of({"b": 2, "a": 1})
    assert len(digest_of("\ud800")) == 16
