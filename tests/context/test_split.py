"""Input, output, margin: the shares of a window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import Ask, Window
from app.context.split import LEAST_OUTPUT_TOKENS, MARGIN_TOKENS, split

LIMITS = Window("m", 8_192, 2_048)


@pytest.mark.parametrize(
    ("ask", "usual", "input_tokens"),
    [
        (Ask("m", 1_000), 0, 8_192 - 64 - 1_000),
        (Ask("m", 9_000), 0, 8_192 - 64 - 2_048),
        (Ask("m", 1_000), 5_000, 5_000),
        (Ask("m", 1_000, budget_tokens=3_000), 5_000, 3_000),
        (Ask("m", 1_000, budget_tokens=9_000), 5_000, 8_192 - 64 - 1_000),
    ],
)
def test_the_history_gets_what_the_answer_leaves_or_the_budget(
    ask: Ask, usual: int, input_tokens: int
) -> None:
    assert split(ask, Window("m", 8_192, 2_048, usual_budget_tokens=usual)).input_tokens == input_tokens


def test_a_large_newest_message_may_take_all_but_the_least_answer_but_never_more_than_the_budget() -> None:
    assert split(Ask("m", 2_048), LIMITS).greatest_input_tokens == 8_192 - 64 - 256
    assert split(Ask("m", 100), LIMITS).greatest_input_tokens == 8_192 - 64 - 100
    assert split(Ask("m", 2_048, budget_tokens=3_000), LIMITS).greatest_input_tokens == 3_000


def test_what_is_recalled_leaves_room_for_what_was_said_last() -> None:
    assert split(Ask("m", 1_000), LIMITS).recall_tokens == 1_000
    assert split(Ask("m", 1_000, budget_tokens=400), LIMITS).recall_tokens == 300


@given(
    st.integers(1_000, 1_000_000), st.integers(1, 200_000), st.integers(0, 300_000), st.integers(0, 1_000_000)
)
def test_prompt_and_answer_never_exceed_the_window(
    window_tokens: int, max_tokens: int, budget_tokens: int, prompt_tokens: int
) -> None:
    found = split(Ask("m", max_tokens, budget_tokens=budget_tokens), Window("m", window_tokens, 128_000))
    assert 0 <= found.input_tokens <= found.greatest_input_tokens <= window_tokens - MARGIN_TOKENS
    assert found.recall_tokens <= found.input_tokens
    assert not budget_tokens or found.greatest_input_tokens <= budget_tokens
    prompt_tokens = min(prompt_tokens, found.greatest_input_tokens)
    output = found.output_tokens(prompt_tokens)
    assert prompt_tokens + output + MARGIN_TOKENS <= window_tokens
    assert output >= min(max_tokens, LEAST_OUTPUT_TOKENS)
    if prompt_tokens <= found.input_tokens:
        assert output == min(max_tokens, 128_000, window_tokens - MARGIN_TOKENS - prompt_tokens)
