"""Money in and out: amounts in whole nano-USD, and as decimal numbers of dollars."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from app.billing.money import NANO_PER_USD, usd
from app.billing.periods import PERIODS
from app.schemas.base import StrictSchema, Time, UsageView, page_of, text, whole_number
from app.services.budgets import Limit
from app.services.usage import GROUPS

MOST_NANO_USD = 10**18


class Dollars(fields.Field[int]):
    """A decimal number of dollars, as a string or a number, of nine places at most; in nano-USD inside."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else usd(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValidationError("Must be a decimal number of dollars, such as 0.25.")
        try:
            amount = Decimal(str(value)) * NANO_PER_USD
        except ArithmeticError:
            raise ValidationError("Must be a decimal number of dollars, such as 0.25.") from None
        if not amount.is_finite() or amount != amount.to_integral_value():
            raise ValidationError("Has more than nine decimal places, or no end.")
        if not 0 <= amount <= MOST_NANO_USD:
            raise ValidationError(f"Must be from 0 to {MOST_NANO_USD // NANO_PER_USD}.")
        return int(amount)


def dollars(**kwargs: Any) -> fields.Field[int]:
    """A field of an amount in dollars."""
    shape = {"type": ["string", "number"], "example": "0.25"}
    return Dollars(metadata={**shape, **kwargs.pop("metadata", {})}, **kwargs)


def amount_of(name: str) -> fields.Field[int]:
    """What a field of nano-USD is in dollars, as a decimal string."""
    return Dollars(dump_only=True, required=True, attribute=name, metadata={"type": "string"})


class ReceiptOfCostView(StrictSchema):
    """What a message cost. While its answer is made, `usage` is what is expected and the cost is null."""

    message_id = fields.String(required=True)
    model = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["open", "settled", "released"]))
    usage = fields.Nested(UsageView, required=True)
    web_searches = fields.Integer(required=True)
    speed = fields.String(required=True, allow_none=True)
    price_version = fields.String(required=True, allow_none=True)
    reserved_nano_usd = fields.Integer(required=True)
    cost_nano_usd = fields.Integer(required=True, allow_none=True)
    cost_usd = fields.String(required=True, allow_none=True, metadata={"example": "0.001234000"})
    estimated = fields.Boolean(
        required=True, metadata={"description": "Whether Claude never said what was used."}
    )
    forecast_read_tokens = fields.Integer(required=True)
    cache_miss_reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the cache gave less than foreseen.", "example": "messages_changed"},
    )
    cache_missed_tokens = fields.Integer(required=True, allow_none=True)
    steps = fields.List(
        fields.Dict(), required=True, metadata={"description": "What was lessened to fit a budget."}
    )


class LedgerView(StrictSchema):
    """A movement of money, from the account `debit` to the account `credit`."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["reserve", "settle", "release", "adjust"]))
    amount_nano_usd = fields.Integer(required=True)
    amount_usd = amount_of("amount_nano_usd")
    debit = fields.String(required=True)
    credit = fields.String(required=True)
    message_id = fields.String(required=True, allow_none=True)
    session_id = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True)
    model = fields.String(required=True)
    created_at = Time(required=True)


LedgerPage = page_of(LedgerView, "LedgerPage")


class UsageFilter(StrictSchema):
    """What is summed, by what, and of which time."""

    group_by = text(100, 1, metadata={"description": f"Any of {', '.join(GROUPS)}, with commas between."})
    since = Time(data_key="from", metadata={"description": "Settled at this time or later."})
    until = Time(data_key="to", metadata={"description": "Settled before this time."})

    @validates_schema
    def _check(self, values: dict[str, Any], **_: Any) -> None:
        if unknown := set(groups_of(values)) - set(GROUPS):
            raise ValidationError(f"{', '.join(sorted(unknown))}: no such group.", "group_by")


def groups_of(values: dict[str, Any]) -> list[str]:
    """The groups that a filter names."""
    return [one.strip() for one in values.get("group_by", "").split(",") if one.strip()]


class UsageRow(UsageView):
    """Sums of a group; the fields of the groups that were asked for are there."""

    day = fields.String(metadata={"example": "2026-11-25"})
    session_id = fields.String(allow_none=True)
    user_id = fields.String(allow_none=True)
    model = fields.String()
    purpose = fields.String()
    web_searches = fields.Integer(required=True)
    cost_nano_usd = fields.Integer(required=True)
    cost_usd = amount_of("cost_nano_usd")
    calls = fields.Integer(required=True)


class UsageSums(StrictSchema):
    """A row for each group, and the sum of all."""

    rows = fields.List(fields.Nested(UsageRow), required=True, data_key="data")
    total = fields.Nested(UsageRow, required=True)


class BudgetDraft(StrictSchema):
    """A limit: `limit_usd` or `limit_nano_usd`."""

    limit_usd = dollars()
    limit_nano_usd = whole_number(0, MOST_NANO_USD, metadata={"example": 250_000_000})
    period = fields.String(required=True, validate=validate.OneOf(PERIODS))
    time_zone = text(64, 1, load_default="UTC", metadata={"example": "Europe/Paris"})

    @validates_schema
    def _check(self, values: dict[str, Any], **_: Any) -> None:
        if ("limit_usd" in values) == ("limit_nano_usd" in values):
            raise ValidationError("Give limit_usd or limit_nano_usd, one of them.", "limit_usd")

    @post_load
    def _as_limit(self, values: dict[str, Any], **_: Any) -> Limit:
        nano_usd = values["limit_nano_usd"] if "limit_nano_usd" in values else values["limit_usd"]
        return Limit(nano_usd, values["period"], values["time_zone"])


class BudgetView(StrictSchema):
    """A budget as it stands. `resets_at` is null for a total."""

    scope = fields.String(required=True, metadata={"example": "user:usr_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    limit_nano_usd = fields.Integer(required=True)
    limit_usd = amount_of("limit_nano_usd")
    period = fields.String(required=True)
    time_zone = fields.String(required=True)
    spent_nano_usd = fields.Integer(required=True)
    reserved_nano_usd = fields.Integer(required=True)
    remaining_nano_usd = fields.Integer(required=True)
    remaining_usd = amount_of("remaining_nano_usd")
    resets_at = Time(required=True, allow_none=True)


class BudgetList(StrictSchema):
    """All of them: there are few."""

    data = fields.List(fields.Nested(BudgetView), required=True)
