"""Settings of a session's context, and that the views find all that they show."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from app.billing.usage import Usage
from app.models.calls import Call
from app.models.summaries import SummaryRow
from app.schemas.contexts import CallView, ContextSettings, ContextView, Costs, PreflightView, SummaryView
from app.services.contexts import Shown
from app.services.preflights import Preflight
from app.services.quotes import Quote


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"budget_tokens": 1, "keep": 0, "recall_tokens": 0, "summary": False},
        {"budget_tokens": None, "keep": None, "recall_tokens": None, "summary": None},
        {"keep": 1},
        {"keep": 0.5},
    ],
)
def test_settings_are_taken_as_they_are(given: dict[str, Any]) -> None:
    assert ContextSettings().load(given) == given


@pytest.mark.parametrize("keep", [True, "0.5", -0.1, 1.1, float("nan"), float("inf"), [], 10**400])
def test_a_share_is_a_number_from_nothing_to_all(keep: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        ContextSettings().load({"keep": keep})
    assert set(caught.value.normalized_messages()) == {"keep"}


@pytest.mark.parametrize(
    ("view", "of"),
    [(PreflightView, Preflight), (ContextView, Shown), (SummaryView, SummaryRow), (CallView, Call)],
)
def test_a_view_shows_nothing_that_is_not_there(view: type[Schema], of: type) -> None:
    has = {one.name for one in fields(of)} if hasattr(of, "__dataclass_fields__") else set(vars(of))
    shown = {one.attribute or name for name, one in view().fields.items()} - {"usage"}
    assert shown <= has


def test_a_cost_is_said_as_a_whole_number_and_as_a_decimal() -> None:
    said = Costs()._serialize(Quote("v", 1, 2_500_000_000, 0, Usage()), "cost", None)
    assert said == {
        "least_nano_usd": 1,
        "least_usd": "0.000000001",
        "expected_nano_usd": 2_500_000_000,
        "expected_usd": "2.5",
        "greatest_nano_usd": 0,
        "greatest_usd": "0",
    }
