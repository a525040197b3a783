"""What a call costs: each class of tokens at its price, in whole nano-USD."""

from __future__ import annotations

import inspect
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing import costs, prices, usage
from app.billing.costs import cost_nano_usd
from app.billing.prices import FAST, Prices, listed, listed_models
from app.billing.usage import CLASSES, Usage

SONNET, OPUS, HAIKU = "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"
COUNTS = st.builds(Usage, *[st.integers(0, 200_000)] * 6, st.sampled_from([None, "standard", FAST]))
SPLIT = {"ephemeral_5m_input_tokens": 3_000, "ephemeral_1h_input_tokens": 1_000}


def found(model: str) -> Prices:
    of = listed(model)
    assert of is not None
    return of


# Worked out by hand from the price page: USD a million tokens is 1,000 nano-USD a token.
PUBLISHED: list[tuple[str, str, dict[str, Any], int]] = [
    ("plain", SONNET, {"input_tokens": 12, "output_tokens": 34}, 12 * 2_000 + 34 * 10_000),
    (
        "cached, with the split",
        SONNET,
        {
            "input_tokens": 7,
            "cache_creation_input_tokens": 4_000,
            "cache_creation": SPLIT,
            "cache_read_input_tokens": 50_000,
            "output_tokens": 500,
        },
        14_000 + 7_500_000 + 4_000_000 + 5_000_000 + 5_000_000,
    ),
    (
        "cached, without the split",
        SONNET,
        {
            "input_tokens": 7,
            "cache_creation_input_tokens": 4_000,
            "cache_read_input_tokens": 50_000,
            "output_tokens": 500,
        },
        14_000 + 10_000_000 + 5_000_000 + 5_000_000,
    ),
    (
        "thinking, which is part of the output",
        OPUS,
        {"input_tokens": 100, "output_tokens": 900, "output_tokens_details": {"thinking_tokens": 800}},
        400_000 + 18_000_000,
    ),
    (
        "server tools: searches cost, fetches don't",
        OPUS,
        {
            "input_tokens": 9_000,
            "output_tokens": 300,
            "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 5},
        },
        36_000_000 + 6_000_000 + 30_000_000,
    ),
    (
        "haiku, to its last cheap token",
        HAIKU,
        {"input_tokens": 40_000, "cache_read_input_tokens": 60_000, "output_tokens": 1_000},
        4_000_000 + 600_000 + 500_000,
    ),
    (
        "haiku, from its first dear token, all of it",
        HAIKU,
        {"input_tokens": 40_001, "cache_read_input_tokens": 60_000, "output_tokens": 1_000},
        20_000_500 + 3_000_000 + 2_500_000,
    ),
    (
        "haiku, dear, with the split",
        HAIKU,
        {
            "input_tokens": 1,
            "cache_creation_input_tokens": 4_000,
            "cache_creation": SPLIT,
            "cache_read_input_tokens": 96_000,
            "output_tokens": 2,
        },
        500 + 1_875_000 + 1_000_000 + 4_800_000 + 5_000,
    ),
    (
        "fast",
        OPUS,
        {
            "input_tokens": 10,
            "cache_creation_input_tokens": 4_000,
            "cache_creation": SPLIT,
            "cache_read_input_tokens": 1_000,
            "output_tokens": 100,
            "server_tool_use": {"web_search_requests": 1},
            "speed": "fast",
        },
        80_000 + 30_000_000 + 16_000_000 + 400_000 + 4_000_000 + 10_000_000,
    ),
    (
        "at the usual speed",
        OPUS,
        {"input_tokens": 10, "output_tokens": 100, "speed": "standard", "service_tier": "standard"},
        40_000 + 2_000_000,
    ),
    ("sonnet-4-6, priced anew in March 2026", "claude-sonnet-4-6", {"input_tokens": 250_000}, 750_000_000),
    ("nothing", OPUS, {"input_tokens": 0, "output_tokens": 0}, 0),
]


@pytest.mark.parametrize(
    ("model", "said", "nano_usd"), [one[1:] for one in PUBLISHED], ids=[one[0] for one in PUBLISHED]
)
def test_every_published_shape_costs_what_the_price_page_says(
    model: str, said: dict[str, Any], nano_usd: int
) -> None:
    assert cost_nano_usd(found(model), Usage.from_claude(said)) == nano_usd


@given(COUNTS, st.sampled_from([one.id for one in listed_models()]))
def test_it_is_what_the_price_list_itself_works_out(used: Usage, model: str) -> None:
    theirs = genai_prices.Usage(
        input_tokens=used.prompt_tokens,
        cache_read_tokens=used.cache_read_tokens,
        cache_write_tokens=used.cache_write_5m_tokens + used.cache_write_1h_tokens,
        cache_write_1h_tokens=used.cache_write_1h_tokens,
        output_tokens=used.output_tokens,
        web_searches=used.web_searches,
    )
    price = genai_prices.calc_price(
        theirs,
        model,
        provider_id="anthropic",
        genai_request_timestamp=datetime.now(UTC),
        price_context={"speed": used.speed} if used.speed else None,
    ).total_price
    assert cost_nano_usd(found(model), used) == price * Decimal(10**9)


@given(COUNTS, st.sampled_from([*CLASSES, "web_searches"]), st.sampled_from([SONNET, OPUS, HAIKU]))
def test_more_never_costs_less(used: Usage, name: str, model: str) -> None:
    more = replace(used, **{name: getattr(used, name) + 1_000})
    assert cost_nano_usd(found(model), more) > cost_nano_usd(found(model), used)


def test_what_the_simulator_answers_is_free() -> None:
    assert cost_nano_usd(found("claude-simulator-8k"), Usage(10**9, output_tokens=10**9)) == 0


def test_the_greatest_cost_is_exact() -> None:
    most = 2**31 - 1
    used = Usage(most, most, most, most, most)
    assert cost_nano_usd(found(HAIKU), used) == most * (500 + 50 + 625 + 1_000 + 2_500)
    assert type(cost_nano_usd(found(HAIKU), used)) is int
    assert asdict(used)["speed"] is None


@pytest.mark.parametrize("module", [costs, prices, usage])
def test_no_float_has_a_part_in_it(module: Any) -> None:
    assert "float" not in inspect.getsource(module)
