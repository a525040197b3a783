"""The fields and schemas that the others are made of: nothing is guessed, nothing unknown is let in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

MOST_METADATA_BYTES = 16_384
MOST_TOKENS = 1_000_000


class StrictSchema(Schema):
    """Unknown fields are errors; what is written stands in the order of the fields."""

    class Meta:
        unknown = RAISE


class Nothing(StrictSchema):
    """A body without fields."""

    may_be_missing = True


class StrictBoolean(fields.Boolean):
    """true or false, and no word or number for it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class WholeNumber(fields.Integer):
    """A whole number, as JSON has it: 5.0 is one, "5" and true are not."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value != int(value):
            raise self.make_error("invalid", input=value)
        return int(value)


class Time(fields.DateTime):
    """RFC 3339, in UTC, with a Z."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        at = super()._deserialize(value, attr, data, **kwargs)
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise ValidationError("Needs a time zone, such as 2026-11-22T10:00:00Z.")
        try:
            return at.astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type="datetime") from None


class FreeMetadata(fields.Dict):
    """An object of the caller's; null is the same as none of it."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """An empty object for null."""
        return super().deserialize({} if value is None else value, *args, **kwargs)


def whole_number(least: int, greatest: int, **kwargs: Any) -> fields.Integer:
    """A whole number from least to greatest."""
    return WholeNumber(validate=validate.Range(least, greatest), **kwargs)


def text(most: int, least: int = 0, **kwargs: Any) -> fields.String:
    """A string of so many characters."""
    return fields.String(validate=[validate.Length(least, most), _check_no_nul], **kwargs)


def _check_no_nul(value: str) -> None:
    if "\0" in value:  # PostgreSQL has no such character
        raise ValidationError("Must not hold U+0000.")


def free_metadata(**kwargs: Any) -> fields.Dict:
    """The caller's own fields, kept as they are."""
    kwargs["metadata"] = {
        "description": "Your own fields, kept as they are; 16 KiB at most.",
        "example": {"team": "a"},
    }
    return FreeMetadata(keys=fields.String(), validate=_check_size, allow_none=True, **kwargs)


def _check_size(value: dict[str, Any]) -> None:
    if len(json.dumps(value)) > MOST_METADATA_BYTES:
        raise ValidationError(f"Larger than {MOST_METADATA_BYTES} bytes.")


class PageFilter(StrictSchema):
    """What every list takes."""

    limit = fields.Integer(
        load_default=50, validate=validate.Range(1, 200), metadata={"description": "Rows a page, 1 to 200."}
    )
    order = fields.String(
        validate=validate.OneOf(["asc", "desc"]), metadata={"description": "The order of the list."}
    )
    cursor = text(500, 1, metadata={"description": "`next_cursor` of the page before."})


class UsageView(StrictSchema):
    """Tokens by class; `prompt_tokens` is the whole prompt."""

    input_tokens = fields.Integer(required=True)
    cache_read_tokens = fields.Integer(required=True)
    cache_write_5m_tokens = fields.Integer(required=True)
    cache_write_1h_tokens = fields.Integer(required=True)
    output_tokens = fields.Integer(required=True)
    prompt_tokens = fields.Integer(required=True)


USAGE = tuple(name for name in UsageView._declared_fields if name != "prompt_tokens")


def usage_of(row: Any) -> dict[str, int] | None:
    """The usage of a row with token columns; None where none was reported."""
    used = {name: getattr(row, name) for name in USAGE}
    if used["input_tokens"] is None:
        return None
    prompt = sum(tokens for name, tokens in used.items() if name != "output_tokens")
    return {**used, "prompt_tokens": prompt}


class FaultView(StrictSchema):
    """One thing that is wrong, and where."""

    pointer = fields.String(required=True, metadata={"example": "/max_tokens"})
    detail = fields.String(required=True, metadata={"example": "Must be greater than or equal to 1."})


class UpstreamView(StrictSchema):
    """What Claude said when it failed."""

    status = fields.Integer(required=True, allow_none=True)
    type = fields.String(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)


class ProblemView(StrictSchema):
    """An error, as RFC 9457 has it."""

    type = fields.String(required=True, metadata={"example": "urn:colloquy:problem:not_found"})
    title = fields.String(required=True, metadata={"example": "There is no such thing"})
    status = fields.Integer(required=True, metadata={"example": 404})
    detail = fields.String(
        required=True, metadata={"example": "You have no session ses_01kb3v8r5y7x2m4n6p8q0s2t4v."}
    )
    code = fields.String(required=True, metadata={"example": "not_found"})
    request_id = fields.String(required=True, metadata={"example": "req_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    retryable = fields.Boolean(required=True)
    errors = fields.List(fields.Nested(FaultView))
    upstream = fields.Nested(UpstreamView)
    retry_after_seconds = fields.Integer(metadata={"description": "How long to wait before the next try."})
    plan = fields.String(metadata={"description": "Where another plan was expected: the one it is now."})
    scope = fields.String(metadata={"description": "Where a budget is spent: whose it is."})
    limit_nano_usd = fields.Integer(metadata={"description": "Where a budget is spent: all of it."})
    remaining_nano_usd = fields.Integer(metadata={"description": "Where a budget is spent: what is left."})
    needed_nano_usd = fields.Integer(metadata={"description": "What the call may cost."})
    resets_at = fields.String(allow_none=True, metadata={"description": "When the budget begins anew."})
    message_url = fields.String(metadata={"description": "Where the message can be read."})
    session_id = fields.String(metadata={"description": "Where a turn failed: its session."})
    user_message_id = fields.String(
        metadata={"description": "Where a turn failed: the message, which is stored."}
    )
    message_id = fields.String(
        metadata={"description": "Where a turn failed: the answer, with what came of it."}
    )


def page_of(view: type[Schema], name: str) -> type[Schema]:
    """The envelope of a list."""
    return StrictSchema.from_dict(
        {
            "data": fields.List(fields.Nested(view), required=True),
            "has_more": fields.Boolean(required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=name,
    )
