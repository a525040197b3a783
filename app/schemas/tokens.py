"""Counting tokens: in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.schemas.base import StrictBoolean, StrictSchema, text
from app.schemas.content import Content, SaidMessage
from app.schemas.sessions import MOST_SYSTEM_CHARACTERS


class CountedMessage(SaidMessage):
    """A message to count."""


class CountDraft(StrictSchema):
    """What to count: `content` or `messages`."""

    content = Content()
    messages = fields.List(fields.Nested(CountedMessage), validate=validate.Length(1, 10_000))
    model = text(200, 1, allow_none=True)
    system = text(MOST_SYSTEM_CHARACTERS, allow_none=True)
    exact = StrictBoolean(load_default=False, metadata={"description": "Ask Claude instead of estimating."})

    @validates_schema(skip_on_field_errors=True)
    def check_one(self, values: dict[str, Any], **_: Any) -> None:
        """Exactly one of the two."""
        if ("content" in values) == ("messages" in values):
            raise ValidationError("Needs either `content` or `messages`.", "content")


class CountView(StrictSchema):
    """How many tokens, and how that is known."""

    input_tokens = fields.Integer(required=True, metadata={"example": 14})
    method = fields.String(required=True, validate=validate.OneOf(["estimate", "exact"]))
