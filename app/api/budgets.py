"""/budgets: how much may be spent by everybody, a person, a key, or in a session."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api import examples
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.schemas.money import BudgetDraft, BudgetList, BudgetView
from app.services import budgets
from app.services.budgets import Limit

blueprint = Blueprint("budgets", __name__, url_prefix="/budgets", description="What may be spent.")


@blueprint.get("")
@blueprint.answers(200, BudgetList)
def list_budgets() -> Any:
    """List your budgets, with what is left of them; an admin sees all there are."""
    return {"data": budgets.visible_to(caller())}


@blueprint.put("/<string:scope>")
@blueprint.takes(BudgetDraft, example=examples.BUDGET)
@blueprint.answers(200, BudgetView)
def put_budget(limit: Limit, scope: str) -> Any:
    """Set the budget of `all`, `user:<id>`, `key:<id>` or `session:<id>`; what was spent before counts.

    Those of sessions are their owner's to set, the others an admin's.
    """
    return budgets.put(caller(), scope, limit)


@blueprint.delete("/<string:scope>")
@blueprint.answers(204)
def delete_budget(scope: str) -> Any:
    """Take a budget away."""
    budgets.remove(caller(), scope)
    return Response(status=204)
