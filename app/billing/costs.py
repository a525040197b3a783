"""What a call costs, in nano-USD: tokens by class times the price for a prompt of that length."""

from __future__ import annotations

from app.billing.prices import Prices
from app.billing.usage import Usage


def cost_nano_usd(prices: Prices, used: Usage) -> int:
    """What a call costs, to the unit: its tokens and its web searches."""
    price = prices.tier(used.prompt_tokens, used.speed)
    return (
        used.input_tokens * price.input_nano_usd
        + used.cache_read_tokens * price.cache_read_nano_usd
        + used.cache_write_5m_tokens * price.cache_write_5m_nano_usd
        + used.cache_write_1h_tokens * price.cache_write_1h_nano_usd
        + used.output_tokens * price.output_nano_usd
        + used.web_searches * prices.web_search_nano_usd
    )
