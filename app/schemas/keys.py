"""API keys in and out."""

from __future__ import annotations

from marshmallow import fields, validate

from app.schemas.base import PageFilter, StrictSchema, Time, page_of, text
from app.services.roles import SCOPES


class KeyChange(StrictSchema):
    """What may be changed of a key; what is left out stays."""

    name = text(200, 1, metadata={"example": "laptop"})
    scopes = fields.List(
        fields.String(validate=validate.OneOf(list(SCOPES))),
        allow_none=True,
        validate=validate.Length(1, 50),
        metadata={"description": "What it may do; null: all that its owner's role and your own key may."},
    )
    expires_at = Time(allow_none=True, metadata={"description": "When it ends by itself; null: never."})


class KeyDraft(KeyChange):
    """A new key."""

    name = text(200, 1, required=True, metadata={"example": "laptop"})
    user_id = text(64, 1, metadata={"description": "Whose key it is, if not yours: for admins."})


class KeyView(StrictSchema):
    """A key, without its secret."""

    id = fields.String(required=True, metadata={"example": "key_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    user_id = fields.String(required=True, metadata={"example": "usr_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    name = fields.String(required=True)
    prefix = fields.String(required=True, metadata={"description": "What the secret begins with."})
    scopes = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "What it is narrowed to; null: it may all that its owner's role may."},
    )
    expires_at = Time(required=True, allow_none=True)
    last_used_at = Time(
        required=True, allow_none=True, metadata={"description": "To the minute; null: never."}
    )
    created_at = Time(required=True)


class CreatedKeyView(KeyView):
    """A key that was just made."""

    key = fields.String(metadata={"description": "The secret, shown this once.", "example": "clq_…"})


KeyPage = page_of(KeyView, "KeyPage")


class KeyFilter(PageFilter):
    """Whose keys are listed."""

    user_id = text(64, 1, metadata={"description": "Somebody else's: for admins."})
