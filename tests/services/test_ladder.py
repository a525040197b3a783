"""The ladder: the first rung that fits is taken, and what was lessened is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.context import Prompt
from app.services import ladder, quotes
from app.services.identity import Caller
from tests.context.talks import ASK, Talk, user

OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5"


def prompt_on(model: str) -> Prompt:
    talk = Talk(ask=replace(ASK, model=model, max_tokens=4_000))
    return replace(talk.prompt_for(user("Hello there " * 50)), model=model)


def greatest(prompt: Prompt, max_tokens: int) -> int:
    return quotes.of(replace(prompt, max_tokens=max_tokens)).greatest


def steps(most: int, *rungs: str) -> list[str] | None:
    found = ladder.fitted(prompt_on(OPUS), most, rungs, lambda: prompt_on(HAIKU))
    if found is None:
        return None
    assert quotes.of(found.prompt).greatest <= most
    return [str(one["step"]) for one in found.steps]


@pytest.fixture(autouse=True)
def _in_an_app(ada: Caller) -> None:
    """Prices may be set in the database."""


def test_what_fits_is_left_as_it_is() -> None:
    prompt = prompt_on(OPUS)
    assert steps(greatest(prompt, 4_000)) == []


def test_rungs_are_taken_in_their_order_and_only_those_that_are_named() -> None:
    prompt = prompt_on(OPUS)
    most = greatest(prompt, 1_000)
    assert steps(most) is None
    assert steps(most, "max_tokens") == ["max_tokens"]
    assert steps(most, "model", "max_tokens") == ["model"]
    tight = greatest(prompt, 200)
    assert steps(tight, "max_tokens") is None
    assert steps(tight, "max_tokens", "effort") == ["effort", "max_tokens"]
    assert steps(greatest(prompt, 10), "max_tokens", "effort", "model") == ["model"]
    assert steps(1, "max_tokens", "effort", "model") is None


def test_on_the_cheaper_model_the_other_rungs_hold_as_well() -> None:
    most = greatest(prompt_on(HAIKU), 1_000)
    assert steps(most, "model") is None
    assert steps(most, "model", "max_tokens") == ["model", "max_tokens"]


def test_a_model_without_effort_skips_that_rung() -> None:
    prompt = prompt_on("claude-haiku-4-5")
    most = greatest(prompt, 200)
    assert ladder.fitted(prompt, most, ["effort"], lambda: None) is None


def test_the_answer_is_as_long_as_the_money_lets_it() -> None:
    prompt = prompt_on(OPUS)
    for tokens in (256, 257, 999, 4_000):
        most = greatest(prompt, tokens)
        found = ladder.fitted(prompt, most, ["max_tokens"], lambda: None)
        assert found is not None
        assert found.prompt.max_tokens == tokens
        assert quotes.affordable_output_tokens(prompt, most - 1) < tokens
