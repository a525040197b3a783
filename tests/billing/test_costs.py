"""What a call costs: each class of tokens at its price, in whole nano-USD."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.costs import Classes, cost_nano_usd, tier

MODEL, BY_LENGTH = "claude-sonnet-5-5", "claude-haiku-5-5"
COUNTS = st.builds(Classes, *[st.integers(0, 200_000)] * 5)


def test_each_class_has_its_price() -> None:
    used = Classes(1_000_000, 2_000_000, 100_000, 100_000, 300_000)
    assert used.prompt_tokens == 3_200_000, "the answer is no part of it"
    price = tier(MODEL, used.prompt_tokens)
    assert price is not None
    assert cost_nano_usd(MODEL, used) == (
        1_000_000 * price.input_nano_usd
        + 2_000_000 * price.cache_read_nano_usd
        + 100_000 * price.cache_write_5m_nano_usd
        + 100_000 * price.cache_write_1h_nano_usd
        + 300_000 * price.output_nano_usd
    )
    assert price.cache_read_nano_usd < price.input_nano_usd < price.cache_write_5m_nano_usd


def test_a_model_without_a_price_costs_nobody_knows_what() -> None:
    assert cost_nano_usd("claude-of-tomorrow", Classes(1)) is None
    assert tier("claude-of-tomorrow", 1) is None


def test_the_whole_prompt_decides_the_tier() -> None:
    below, above = tier(BY_LENGTH, 100_000), tier(BY_LENGTH, 100_001)
    assert below is not None
    assert above is not None
    assert above.input_nano_usd > below.input_nano_usd
    cached = Classes(input_tokens=1, cache_read_tokens=100_000)
    assert cost_nano_usd(BY_LENGTH, cached) == above.input_nano_usd + 100_000 * above.cache_read_nano_usd


@given(COUNTS, st.sampled_from([one.name for one in fields(Classes)]), st.sampled_from([MODEL, BY_LENGTH]))
def test_more_tokens_never_cost_less(used: Classes, name: str, model: str) -> None:
    more = replace(used, **{name: getattr(used, name) + 1_000})
    cost, dearer = cost_nano_usd(model, used), cost_nano_usd(model, more)
    assert cost is not None
    assert dearer is not None
    assert dearer > cost or asdict(used) == asdict(more)


@pytest.mark.parametrize("model", [MODEL, BY_LENGTH])
def test_nothing_costs_nothing(model: str) -> None:
    assert cost_nano_usd(model, Classes()) == 0
