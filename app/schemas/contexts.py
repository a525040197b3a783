"""The context of a session: its settings, what a request would hold, and what one held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.billing.money import usd
from app.context.receipt import FATES
from app.schemas.base import MOST_TOKENS, StrictBoolean, StrictSchema, Time, usage_of, whole_number

USAGE_REF = {"oneOf": [{"$ref": "#/components/schemas/Usage"}, {"type": "null"}]}


class Share(fields.Float):
    """A number from 0 to 1, as JSON has it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= 1:
            raise ValidationError("Must be a number from 0 to 1.")
        return float(value)


class ContextSettings(StrictSchema):
    """What is sent of a session's history; null or left out: the server's defaults."""

    budget_tokens = whole_number(
        1, MOST_TOKENS, allow_none=True, metadata={"description": "The most that a request may hold."}
    )
    keep = Share(
        validate=validate.Range(0, 1),
        allow_none=True,
        metadata={"description": "The part of the budget that stays when old turns are left out."},
    )
    recall_tokens = whole_number(
        0, MOST_TOKENS, allow_none=True, metadata={"description": "What may be quoted of what was left out."}
    )
    summary = StrictBoolean(
        allow_none=True, metadata={"description": "Whether a summary is kept of what was left out."}
    )


class SourcesView(StrictSchema):
    """Tokens by what they are for."""

    system_tokens = fields.Integer(required=True)
    tools_tokens = fields.Integer(required=True)
    summary_tokens = fields.Integer(required=True)
    pins_tokens = fields.Integer(required=True)
    history_tokens = fields.Integer(required=True)
    recalled_tokens = fields.Integer(required=True)
    new_tokens = fields.Integer(required=True)


class ForecastView(StrictSchema):
    """How the prompt's tokens are expected to be paid for."""

    input_tokens = fields.Integer(required=True)
    cache_read_tokens = fields.Integer(required=True)
    cache_write_5m_tokens = fields.Integer(required=True)
    cache_write_1h_tokens = fields.Integer(required=True)


class CacheView(ForecastView):
    """What the prompt cache is expected to give and to take in."""

    ttl = fields.String(required=True, validate=validate.OneOf(["5m", "1h"]))


class RunView(StrictSchema):
    """Messages of the path in a row that went the same way, the first and the last of them."""

    fate = fields.String(required=True, data_key="as", attribute="as", validate=validate.OneOf(FATES))
    first_id = fields.String(required=True, allow_none=True)
    last_id = fields.String(required=True, allow_none=True)
    messages = fields.Integer(required=True)


class ReceiptView(StrictSchema):
    """What a request holds: every message of the path is in one of the runs of `messages`."""

    model = fields.String(required=True)
    budget_tokens = fields.Integer(required=True)
    max_tokens = fields.Integer(required=True)
    prompt_tokens = fields.Integer(required=True, metadata={"description": "The expected size of it all."})
    method = fields.String(required=True, validate=validate.OneOf(["estimate", "exact"]))
    tokens = fields.Nested(SourcesView, required=True)
    cache = fields.Nested(CacheView, required=True)
    cut = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Why it begins later than the request before: `cold`, `high_water`, `compact`."
        },
    )
    summary_id = fields.String(required=True, allow_none=True)
    messages = fields.List(fields.Nested(RunView), required=True)


class Costs(fields.Field[dict[str, Any]]):
    """Nano-USD, whole and as a decimal string."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ("least", "expected", "greatest"):
            cost = getattr(value, name)
            found |= {f"{name}_nano_usd": cost, f"{name}_usd": usd(cost)}
        return found


class PreflightView(StrictSchema):
    """What a send would be. Send with `expect_plan` to get this or a 409."""

    plan = fields.String(required=True, metadata={"description": "A hash of the request to Claude."})
    model = fields.String(required=True)
    max_tokens = fields.Integer(required=True)
    input_tokens = fields.Integer(required=True, metadata={"description": "The expected prompt."})
    greatest_input_tokens = fields.Integer(required=True, metadata={"description": "It will not be more."})
    expected_output_tokens = fields.Integer(required=True)
    context = fields.Nested(ReceiptView, required=True, attribute="receipt")
    uncached = fields.Nested(ForecastView, required=True)
    cost = Costs(required=True, metadata={"type": "object", "description": "Least, expected and greatest."})
    steps = fields.List(
        fields.Dict(), required=True, metadata={"description": "What is lessened to fit a budget."}
    )


class SummaryView(StrictSchema):
    """A summary, and the messages that it adds to the one before it."""

    id = fields.String(required=True)
    text = fields.String(required=True)
    tokens = fields.Integer(required=True)
    model = fields.String(required=True)
    upto_id = fields.String(required=True, metadata={"description": "The last message it covers."})
    covered_ids = fields.List(fields.String(), required=True)
    previous_id = fields.String(required=True, allow_none=True)
    created_at = Time(required=True)


class CallView(StrictSchema):
    """A call to Claude that nobody typed."""

    id = fields.String(required=True)
    purpose = fields.String(required=True)
    model = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["running", "done", "failed"]))
    error = fields.String(required=True, allow_none=True)
    usage = fields.Function(usage_of, required=True, metadata=USAGE_REF)
    created_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)


class ContextView(StrictSchema):
    """What the next request of a session would hold; null before anything was said."""

    next_request = fields.Nested(ReceiptView, required=True, allow_none=True, attribute="receipt")
    summary = fields.Nested(SummaryView, required=True, allow_none=True)
    pinned_ids = fields.List(fields.String(), required=True)
    calls = fields.List(fields.Nested(CallView), required=True)
