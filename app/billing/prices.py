"""Prices by model, from the `genai-prices` package, in nano-USD (1e-9 USD) a token."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, Decimal
from importlib.metadata import version
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

NANO_USD_PER_TOKEN = 1_000  # of a price in USD a million tokens
NANO_USD_PER_SEARCH = 1_000_000  # of a price in USD a thousand searches
PROVIDER = "anthropic"
FAST = "fast"
SIMULATED = "claude-simulator-"
SIMULATOR = "simulator"


@dataclass(frozen=True)
class Price:
    """What a token of each class costs in a request whose prompt is longer than `above_prompt_tokens`."""

    above_prompt_tokens: int
    input_nano_usd: int
    cache_read_nano_usd: int
    cache_write_5m_nano_usd: int
    cache_write_1h_nano_usd: int
    output_nano_usd: int


@dataclass(frozen=True)
class Prices:
    """A model's prices, by tiers of prompt length, the lowest first, and the `version` they come from.

    Without `fast_tiers` a fast answer costs the same as another.
    """

    version: str
    tiers: Sequence[Price]
    fast_tiers: Sequence[Price] = ()
    web_search_nano_usd: int = 0

    def tier(self, prompt_tokens: int, speed: str | None) -> Price:
        """What holds for a prompt of this length, answered at this speed."""
        tiers = (speed == FAST and self.fast_tiers) or self.tiers
        return next((one for one in reversed(tiers) if one.above_prompt_tokens < prompt_tokens), tiers[0])


def known(model: str) -> ModelInfo | None:
    """What the price list says of a model; None where it doesn't know it."""
    try:
        return get_snapshot().find_provider_model(model, None, PROVIDER, None)[1]
    except LookupError:
        return None


def listed_models() -> list[ModelInfo]:
    """Every model of Claude's in the price list."""
    return next(one.models for one in get_snapshot().providers if one.id == PROVIDER)


def listed(model: str, at: date | None = None) -> Prices | None:
    """What the price list asks for a model on a day (UTC), today if none is named; None where it has none."""
    return _listed(model, at or datetime.now(UTC).date())


@functools.lru_cache(maxsize=1_000)  # by the models that callers name, so not without an end
def _listed(model: str, at: date) -> Prices | None:
    if model.startswith(SIMULATED):
        return Prices(SIMULATOR, (Price(0, 0, 0, 0, 0, 0),))
    info = known(model)
    if info is None or not info.prices:
        return None
    that_day = datetime.combine(at, time(), UTC)
    usual, fast = info.get_prices(that_day), info.get_prices(that_day, {"speed": FAST})
    if usual.input_mtok is None or usual.output_mtok is None:
        return None
    return Prices(
        version=f"genai-prices {version('genai-prices')}",
        tiers=_tiers(usual),
        fast_tiers=_tiers(fast) if fast != usual else (),
        web_search_nano_usd=_whole(_at(usual.web_searches_kcount, 0) * NANO_USD_PER_SEARCH),
    )


def _tiers(given: ModelPrice) -> tuple[Price, ...]:
    """The price of each tier; a class that has none of its own costs what contains it."""
    write = _first(given.cache_write_mtok, given.input_mtok)
    classes = (
        given.input_mtok,
        _first(given.cache_read_mtok, given.input_mtok),
        _first(given.cache_write_5m_mtok, write),
        _first(given.cache_write_1h_mtok, write),
        given.output_mtok,
    )
    starts = {tier.start for one in classes if isinstance(one, TieredPrices) for tier in one.tiers}
    return tuple(
        Price(start, *(_whole(_at(one, start) * NANO_USD_PER_TOKEN) for one in classes))
        for start in sorted({0, *starts})
    )


def _first(own: Decimal | TieredPrices | None, other: Decimal | TieredPrices | None) -> Any:
    return other if own is None else own


def _at(price: Decimal | TieredPrices | None, start: int) -> Decimal:
    """The price in the tier that begins there."""
    if isinstance(price, TieredPrices):
        return next((tier.price for tier in reversed(price.tiers) if tier.start <= start), price.base)
    return price or Decimal(0)


def _whole(nano_usd: Decimal) -> int:
    """Whole nano-USD: a part of one is paid as one. No price of today has any."""
    return int(nano_usd.to_integral_value(ROUND_CEILING))
