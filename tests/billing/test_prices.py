"""Prices, against the price page."""

from __future__ import annotations

import pytest

from app.billing.prices import Price, prices_of


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-fable-5-2", Price(0, 8_000, 200, 10_000, 16_000, 40_000)),
        ("claude-opus-5-5", Price(0, 4_000, 200, 5_000, 8_000, 20_000)),
        ("claude-sonnet-5-5", Price(0, 2_000, 100, 2_500, 4_000, 10_000)),
        ("claude-haiku-5-5", Price(0, 100, 10, 125, 200, 500)),
    ],
)
def test_a_token_costs_what_the_price_page_says(model: str, expected: Price) -> None:
    assert prices_of(model)[0] == expected


def test_haiku_costs_more_above_100k() -> None:
    assert prices_of("claude-haiku-5-5")[1] == Price(100_000, 500, 50, 625, 1_000, 2_500)


def test_a_model_without_a_price_has_none() -> None:
    assert prices_of("claude-simulator-8k") == []
