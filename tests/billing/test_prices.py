"""Prices, against the price page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib.metadata import version

import pytest
from genai_prices.types import TieredPrices

from app.billing.prices import FAST, Price, Prices, known, listed, listed_models

CENT_NANO_USD = 10_000_000


def found(model: str, at: date | None = None) -> Prices:
    prices = listed(model, at)
    assert prices is not None
    return prices


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-fable-5-2", Price(0, 8_000, 200, 10_000, 16_000, 40_000)),
        ("claude-opus-5-5", Price(0, 4_000, 200, 5_000, 8_000, 20_000)),
        ("claude-sonnet-5-5", Price(0, 2_000, 100, 2_500, 4_000, 10_000)),
        ("claude-haiku-5-5", Price(0, 100, 10, 125, 200, 500)),
        ("claude-opus-4-6", Price(0, 5_000, 500, 6_250, 10_000, 25_000)),
        ("claude-sonnet-4-6", Price(0, 3_000, 300, 3_750, 6_000, 15_000)),
    ],
)
def test_a_token_costs_what_the_price_page_says(model: str, expected: Price) -> None:
    assert found(model).tier(1, None) == expected


def test_haiku_costs_more_above_100k() -> None:
    dear = Price(100_000, 500, 50, 625, 1_000, 2_500)
    haiku = found("claude-haiku-5-5")
    assert haiku.tiers[1:] == (dear,)
    assert haiku.tier(100_000, None) == haiku.tier(0, None) == haiku.tiers[0]
    assert haiku.tier(100_001, None) == haiku.tier(10**9, None) == dear


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-fable-5-2", Price(0, 16_000, 400, 20_000, 32_000, 80_000)),
        ("claude-opus-5-5", Price(0, 8_000, 400, 10_000, 16_000, 40_000)),
        ("claude-opus-4-8", Price(0, 10_000, 1_000, 12_500, 20_000, 50_000)),
    ],
)
def test_a_fast_token_costs_what_the_price_page_says(model: str, expected: Price) -> None:
    assert found(model).tier(1, FAST) == expected
    assert found(model).tier(1, "standard") == found(model).tier(1, None) != expected


def test_where_nothing_is_said_of_fast_it_costs_the_same() -> None:
    sonnet = found("claude-sonnet-5-5")
    assert sonnet.fast_tiers == ()
    assert sonnet.tier(1, FAST) == sonnet.tier(1, None)


def test_a_search_costs_a_cent() -> None:
    assert found("claude-opus-5-5").web_search_nano_usd == CENT_NANO_USD
    assert found("claude-3-haiku").web_search_nano_usd == 0


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-4-6"])
def test_a_price_that_changed_is_that_of_the_day(model: str) -> None:
    before, after = found(model, date(2026, 3, 12)), found(model, date(2026, 3, 13))
    assert [one.above_prompt_tokens for one in before.tiers] == [0, 200_000]
    assert [one.above_prompt_tokens for one in after.tiers] == [0]
    assert found(model) == after


def test_what_has_no_price_of_its_own_costs_what_contains_it() -> None:
    assert found("claude-2").tiers == (Price(0, 8_000, 8_000, 8_000, 8_000, 24_000),)


@pytest.mark.parametrize("model", [one.id for one in listed_models()])
def test_every_listed_price_is_in_whole_nano_usd(model: str) -> None:
    info = known(model)
    assert info is not None
    for context in ({}, {"speed": FAST}):
        for name, price in vars(info.get_prices(datetime.now(UTC), context)).items():
            is_tiered = isinstance(price, TieredPrices)
            tiers = [price.base, *(one.price for one in price.tiers)] if is_tiered else [price]
            assert all(one * 1_000 % 1 == 0 for one in tiers), name


def test_the_version_says_where_the_prices_come_from() -> None:
    assert found("claude-opus-5-5").version == f"genai-prices {version('genai-prices')}"


def test_a_simulated_model_is_free() -> None:
    assert found("claude-simulator-8k") == Prices("simulator", (Price(0, 0, 0, 0, 0, 0),))


@pytest.mark.parametrize("model", ["claude-of-tomorrow", "gpt-4o", "", "claude-simulator"])
def test_a_model_nobody_knows_has_no_price(model: str) -> None:
    assert known(model) is None
    assert listed(model) is None
