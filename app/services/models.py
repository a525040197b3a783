"""Which models there are, what they hold and cost: the Models API first, then the price list."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

from app.billing import prices
from app.billing.prices import Price
from app.claude.rules.models import find
from app.context import Window
from app.context.tariff import Tariff
from app.extensions import config, parts, redactor
from app.services.pages import Ask, Page, cut

UNKNOWN_WINDOW_TOKENS = 200_000
UNKNOWN_OUTPUT_TOKENS = 128_000
# Up to opus-4-6 the tokenizer made about 30 % fewer tokens of the same text.
OLDER_TOKENS_FACTOR = 1 / 1.3
# A cached history of this size costs less than an uncached window of a fifth of it, and remembers everything.
USUAL_BUDGET_TOKENS = 150_000


@dataclass(frozen=True)
class ModelCard:
    """A model as clients see it."""

    id: str
    name: str
    window_tokens: int
    greatest_output_tokens: int
    lifecycle: str
    retires_at: str | None
    prices: list[Price]
    is_default: bool


def available() -> list[ModelCard]:
    """The models that may be used, as upstream lists them, or the price list where upstream has no list."""
    listed = redactor().within(parts().catalog.models())
    ids = list(listed) or sorted(one.id for one in prices.listed_models() if find(one.id))
    return [_card(one, listed.get(one, {})) for one in ids]


def page(ask: Ask) -> Page[ModelCard]:
    """A page of them, in upstream's order or the other way round."""
    cards = available()[:: -1 if ask.is_descending else 1]
    ids = [one.id for one in cards]
    start = ids.index(ask.after[0]) + 1 if ask.after and ask.after[0] in ids else 0
    return cut(cards[start : start + ask.limit + 1], ask.limit, lambda card: [card.id])


def window_of(model: str) -> Window:
    """What a model can hold. Upstream is only asked about a model that the price list doesn't know."""
    card = parts().catalog.remembered(model)
    if card is None and prices.known(model) is None:
        card = parts().catalog.models().get(model)
    return _window(model, card or {})


def tokens_factor_of(model: str | None) -> float:
    """How many tokens a model makes where the newest tokenizer makes one; 1 for None."""
    known = find(model)
    return OLDER_TOKENS_FACTOR if known and not known.is_dense else 1.0


def _window(model: str, said: dict[str, Any]) -> Window:
    known, priced = find(model), prices.known(model)
    listed = priced.context_window if priced else None
    return Window(
        model=model,
        window_tokens=said.get("max_input_tokens") or listed or UNKNOWN_WINDOW_TOKENS,
        greatest_output_tokens=said.get("max_tokens")
        or (known.output_tokens if known else UNKNOWN_OUTPUT_TOKENS),
        tokens_factor=tokens_factor_of(model),
        usual_budget_tokens=_usual_budget_tokens(model),
        tariff=_tariff(model),
    )


def _usual_budget_tokens(model: str) -> int:
    """The input share where nobody names one: not beyond the length at which a model's price goes up."""
    dearer_above = [one.above_prompt_tokens for one in prices.prices_of(model) if one.above_prompt_tokens]
    return min([USUAL_BUDGET_TOKENS, *dearer_above])


@functools.cache
def _tariff(model: str) -> Tariff:
    """What the model's cache costs, from the price list; its least prefix, from the rules."""
    priced, known, usual = prices.prices_of(model), find(model), Tariff()
    least = known.cache_minimum_tokens if known else usual.minimum_tokens
    if not priced or not priced[0].input_nano_usd:
        return replace(usual, minimum_tokens=least)
    one = priced[0]
    return Tariff(
        read=one.cache_read_nano_usd / one.input_nano_usd,
        write_5m=one.cache_write_5m_nano_usd / one.input_nano_usd,
        write_1h=one.cache_write_1h_nano_usd / one.input_nano_usd,
        minimum_tokens=least,
    )


def _card(model: str, said: dict[str, Any]) -> ModelCard:
    window = _window(model, said)
    return ModelCard(
        id=model,
        name=said.get("display_name") or model,
        window_tokens=window.window_tokens,
        greatest_output_tokens=window.greatest_output_tokens,
        lifecycle=said.get("lifecycle") or "unknown",
        retires_at=said.get("retires_at"),
        prices=prices.prices_of(model),
        is_default=model == config().model,
    )
