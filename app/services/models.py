"""Which models there are, what they hold and cost: the Models API first, then the price list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.billing.prices import Price, Prices, known, listed_models
from app.claude.rules.models import find
from app.context import Window
from app.context.tariff import Tariff
from app.extensions import config, parts, redactor
from app.services import prices
from app.services.pages import Ask, Page, listed
from app.telemetry.metrics import OTHER

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
    is_priced: bool
    price_version: str | None
    prices: Sequence[Price]
    fast_prices: Sequence[Price]
    web_search_nano_usd: int | None
    is_default: bool


def available() -> list[ModelCard]:
    """The models that may be used, as upstream lists them, or the price list where upstream has no list."""
    listed = redactor().within(parts().catalog.models())
    ids = list(listed) or sorted(one.id for one in listed_models() if find(one.id))
    return [_card(one, listed.get(one, {})) for one in ids]


def page(ask: Ask) -> Page[ModelCard]:
    """A page of them, in upstream's order or the other way round."""
    return listed(available()[:: -1 if ask.is_descending else 1], lambda card: card.id, ask)


def window_of(model: str) -> Window:
    """What a model can hold. Upstream is only asked about a model that the price list doesn't know."""
    card = parts().catalog.remembered(model)
    if card is None and known(model) is None:
        card = parts().catalog.models().get(model)
    return window_by(model, card or {}, prices.of(model))


def usual_name(model: str) -> str:
    """A name for figures, of which there are few: the price list's, upstream's, or `other`."""
    info = known(model)
    if info:
        return info.id
    return model if parts().catalog.remembered(model) else OTHER


def tokens_factor_of(model: str | None) -> float:
    """How many tokens a model makes where the newest tokenizer makes one; 1 for None."""
    rules = find(model)
    return OLDER_TOKENS_FACTOR if rules and not rules.is_dense else 1.0


def window_by(model: str, said: dict[str, Any], priced: Prices | None) -> Window:
    """What a model can hold and what its cache costs, by what upstream says of it and by its prices."""
    rules, info = find(model), known(model)
    listed = info.context_window if info else None
    return Window(
        model=model,
        window_tokens=said.get("max_input_tokens") or listed or UNKNOWN_WINDOW_TOKENS,
        greatest_output_tokens=said.get("max_tokens")
        or (rules.output_tokens if rules else UNKNOWN_OUTPUT_TOKENS),
        tokens_factor=tokens_factor_of(model),
        usual_budget_tokens=_usual_budget_tokens(priced),
        tariff=_tariff(model, priced),
    )


def _usual_budget_tokens(priced: Prices | None) -> int:
    """The input share where nobody names one: not beyond the length at which a model's price goes up."""
    tiers = priced.tiers if priced else ()
    dearer_above = [one.above_prompt_tokens for one in tiers if one.above_prompt_tokens]
    return min([USUAL_BUDGET_TOKENS, *dearer_above])


def _tariff(model: str, priced: Prices | None) -> Tariff:
    """What the model's cache costs, from its prices; its least prefix, from the rules."""
    rules, usual = find(model), Tariff()
    least = rules.cache_minimum_tokens if rules else usual.minimum_tokens
    if priced is None or not priced.tiers[0].input_nano_usd:
        return replace(usual, minimum_tokens=least)
    one = priced.tiers[0]
    return Tariff(
        read=one.cache_read_nano_usd / one.input_nano_usd,
        write_5m=one.cache_write_5m_nano_usd / one.input_nano_usd,
        write_1h=one.cache_write_1h_nano_usd / one.input_nano_usd,
        minimum_tokens=least,
    )


def _card(model: str, said: dict[str, Any]) -> ModelCard:
    priced = prices.of(model)
    window = window_by(model, said, priced)
    return ModelCard(
        id=model,
        name=said.get("display_name") or model,
        window_tokens=window.window_tokens,
        greatest_output_tokens=window.greatest_output_tokens,
        lifecycle=said.get("lifecycle") or "unknown",
        retires_at=said.get("retires_at"),
        is_priced=priced is not None,
        price_version=priced.version if priced else None,
        prices=priced.tiers if priced else (),
        fast_prices=priced.fast_tiers if priced else (),
        web_search_nano_usd=priced.web_search_nano_usd if priced else None,
        is_default=model == config().model,
    )
