"""Models, out."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.billing.money import usd
from app.schemas.base import StrictSchema, page_of

CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")


class Usd(fields.Field[str]):
    """Nano-USD as a decimal string."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return usd(value)


def _price_fields() -> dict[str, Any]:
    found: dict[str, Any] = {"above_prompt_tokens": fields.Integer(required=True)}
    for name in CLASSES:
        found[f"{name}_nano_usd"] = fields.Integer(
            required=True, metadata={"description": "1e-9 USD a token."}
        )
        shown = {"type": "string", "example": "0.000002"}
        found[f"{name}_usd"] = Usd(dump_only=True, attribute=f"{name}_nano_usd", metadata=shown)
    return found


# What a token costs, by class, in a request with a prompt longer than `above_prompt_tokens`.
PriceView = StrictSchema.from_dict(_price_fields(), name="PriceView")


class ModelView(StrictSchema):
    """A model that may be used."""

    id = fields.String(required=True, metadata={"example": "claude-sonnet-5-5"})
    name = fields.String(required=True, metadata={"example": "Claude Sonnet 5.5"})
    window_tokens = fields.Integer(required=True, metadata={"example": 1_000_000})
    greatest_output_tokens = fields.Integer(required=True, metadata={"example": 128_000})
    lifecycle = fields.String(
        required=True, metadata={"description": "active, deprecated, retired or unknown."}
    )
    retires_at = fields.String(required=True, allow_none=True)
    is_priced = fields.Boolean(
        required=True, metadata={"description": "What has no price is not used until an admin sets one."}
    )
    price_version = fields.String(required=True, allow_none=True, metadata={"example": "genai-prices 0.2.3"})
    prices = fields.List(fields.Nested(PriceView), required=True)
    fast_prices = fields.List(
        fields.Nested(PriceView),
        required=True,
        metadata={"description": "For answers with speed `fast`; empty where they cost the same."},
    )
    web_search_nano_usd = fields.Integer(required=True, allow_none=True)
    is_default = fields.Boolean(required=True)


ModelPage = page_of(ModelView, "ModelPage")
