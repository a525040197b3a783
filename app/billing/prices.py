"""Prices by model, from the `genai-prices` package, in nano-USD (1e-9 USD) a token."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, TieredPrices

NANO_USD_PER_TOKEN = 1_000
PROVIDER = "anthropic"


@dataclass(frozen=True)
class Price:
    """What a token of each class costs in a request whose prompt is longer than `above_prompt_tokens`."""

    above_prompt_tokens: int
    input_nano_usd: int
    cache_read_nano_usd: int
    cache_write_5m_nano_usd: int
    cache_write_1h_nano_usd: int
    output_nano_usd: int


def known(model: str) -> ModelInfo | None:
    """What the price list says of a model; None where it doesn't know it."""
    try:
        return get_snapshot().find_provider_model(model, None, PROVIDER, None)[1]
    except LookupError:
        return None


def listed_models() -> list[ModelInfo]:
    """Every model of Claude's in the price list."""
    return next(one.models for one in get_snapshot().providers if one.id == PROVIDER)


def prices_of(model: str) -> list[Price]:
    """The price of each tier of prompt length, the lowest first; empty where the model has no price."""
    info = known(model)
    if info is None or isinstance(info.prices, list):
        return []
    given = info.prices
    classes = (
        given.input_mtok,
        given.cache_read_mtok,
        given.cache_write_mtok,
        given.cache_write_1h_mtok or given.cache_write_mtok,
        given.output_mtok,
    )
    starts = sorted(
        {0, *(tier.start for one in classes if isinstance(one, TieredPrices) for tier in one.tiers)}
    )
    return [Price(start, *(_nano_usd(one, start) for one in classes)) for start in starts]


def _nano_usd(usd_per_million: Decimal | TieredPrices | None, start: int) -> int:
    if isinstance(usd_per_million, TieredPrices):
        reached = [tier.price for tier in usd_per_million.tiers if tier.start <= start]
        usd_per_million = reached[-1] if reached else usd_per_million.base
    return int((usd_per_million or Decimal(0)) * NANO_USD_PER_TOKEN)
