"""Prices that admins set: in nano-USD a token, or as the price page has them, in USD a million tokens."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from app.billing.money import usd
from app.schemas.base import StrictSchema, Time, page_of, whole_number
from app.schemas.models import CLASSES
from app.schemas.money import Dollars, amount_of
from app.services.prices import version_of

MILLION = 1_000_000
MOST_NANO_USD = 10_000_000  # a token; no model comes near it
USUAL_SEARCH_NANO_USD = 10_000_000


class PerMillion(Dollars):
    """USD a million tokens; inside, nano-USD a token."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return usd(value * MILLION)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        whole, rest = divmod(super()._deserialize(value, attr, data, **kwargs), MILLION)
        if rest or whole > MOST_NANO_USD:
            raise ValidationError(
                f"Must be from 0 to {usd(MOST_NANO_USD * MILLION)}, of three decimal places at most."
            )
        return whole


def _drafted() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in CLASSES:
        found[f"{name}_nano_usd"] = whole_number(
            0, MOST_NANO_USD, metadata={"description": "1e-9 USD a token."}
        )
        shape = {"type": ["string", "number"], "description": "USD a million tokens.", "example": "2.5"}
        found[f"{name}_usd_per_million"] = PerMillion(metadata=shape)
    return found


def _shown() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in CLASSES:
        found[f"{name}_nano_usd"] = fields.Integer(required=True)
        shape = {"type": "string", "example": "2.5"}
        found[f"{name}_usd_per_million"] = PerMillion(
            dump_only=True, required=True, attribute=f"{name}_nano_usd", metadata=shape
        )
    return found


class PriceDraft(StrictSchema.from_dict(_drafted())):  # type: ignore[misc]
    """What a model costs: of each class of tokens one of the two fields, in place of what held before."""

    web_search_nano_usd = whole_number(
        0, MOST_NANO_USD * 100, load_default=USUAL_SEARCH_NANO_USD, metadata={"description": "A search."}
    )

    @validates_schema(skip_on_field_errors=True)
    def check_each(self, values: dict[str, Any], **_: Any) -> None:
        """Exactly one of the two of each class."""
        faults = {
            f"{name}_usd_per_million": [f"Give this or {name}_nano_usd, one of them."]
            for name in CLASSES
            if (f"{name}_nano_usd" in values) == (f"{name}_usd_per_million" in values)
        }
        if faults:
            raise ValidationError(faults)

    @post_load
    def as_columns(self, values: dict[str, Any], **_: Any) -> dict[str, int]:
        """Nano-USD by column."""
        return {name.replace("_usd_per_million", "_nano_usd"): amount for name, amount in values.items()}


class SetPriceView(StrictSchema.from_dict(_shown())):  # type: ignore[misc]
    """What an admin has set for a model."""

    model = fields.String(required=True, metadata={"example": "claude-of-tomorrow"})
    web_search_nano_usd = fields.Integer(required=True)
    web_search_usd = amount_of("web_search_nano_usd")
    version = fields.Function(version_of, required=True, metadata={"type": "string"})
    updated_at = Time(required=True)


SetPricePage = page_of(SetPriceView, "SetPricePage")
