"""What a call costs, in nano-USD: tokens by class times the price for a prompt of that length."""

from __future__ import annotations

from dataclasses import dataclass

from app.billing.prices import Price, prices_of


@dataclass(frozen=True)
class Classes:
    """The tokens of a call as they are paid for."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """The whole prompt."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )


def cost_nano_usd(model: str, used: Classes) -> int | None:
    """What a call costs; None for a model without a price."""
    price = tier(model, used.prompt_tokens)
    if price is None:
        return None
    return (
        used.input_tokens * price.input_nano_usd
        + used.cache_read_tokens * price.cache_read_nano_usd
        + used.cache_write_5m_tokens * price.cache_write_5m_nano_usd
        + used.cache_write_1h_tokens * price.cache_write_1h_nano_usd
        + used.output_tokens * price.output_nano_usd
    )


def tier(model: str, prompt_tokens: int) -> Price | None:
    """The prices that hold for a prompt of this length."""
    reached = [one for one in prices_of(model) if one.above_prompt_tokens < max(prompt_tokens, 1)]
    return reached[-1] if reached else None
