"""Models, out."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import StrictSchema


class PriceView(StrictSchema):
    """What a token costs, by class, in a request with a prompt longer than `above_prompt_tokens`."""

    above_prompt_tokens = fields.Integer(required=True)
    input_nano_usd = fields.Integer(
        required=True, metadata={"description": "1e-9 USD a token.", "example": 2000}
    )
    input_usd = fields.Function(
        lambda price: usd(price.input_nano_usd), required=True, metadata={"type": "string"}
    )
    cache_read_nano_usd = fields.Integer(required=True)
    cache_read_usd = fields.Function(
        lambda price: usd(price.cache_read_nano_usd), required=True, metadata={"type": "string"}
    )
    cache_write_5m_nano_usd = fields.Integer(required=True)
    cache_write_5m_usd = fields.Function(
        lambda price: usd(price.cache_write_5m_nano_usd), required=True, metadata={"type": "string"}
    )
    cache_write_1h_nano_usd = fields.Integer(required=True)
    cache_write_1h_usd = fields.Function(
        lambda price: usd(price.cache_write_1h_nano_usd), required=True, metadata={"type": "string"}
    )
    output_nano_usd = fields.Integer(required=True)
    output_usd = fields.Function(
        lambda price: usd(price.output_nano_usd), required=True, metadata={"type": "string"}
    )


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
    prices = fields.List(fields.Nested(PriceView), required=True)
    is_default = fields.Boolean(required=True)


class ModelPage(StrictSchema):
    """All models, in one page."""

    data = fields.List(fields.Nested(ModelView), required=True)
    has_more = fields.Constant(False)
    next_cursor = fields.Constant(None)


def usd(nano_usd: int) -> str:
    """Nano-USD as a decimal string: 2000 is `0.000002`."""
    whole, rest = divmod(nano_usd, 1_000_000_000)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else str(whole)
