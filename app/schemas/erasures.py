"""What a deletion for good answers."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import StrictSchema, Time


class ErasureView(StrictSchema):
    """What was erased."""

    id = fields.String(required=True, metadata={"example": "ses_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    erased = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": "How many of each.",
            "example": {"sessions": 1, "messages": 4},
        },
    )
    erased_at = Time(required=True)
