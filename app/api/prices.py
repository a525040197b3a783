"""/prices: what admins have set models to cost, in place of the price list."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api import examples, paging
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.errors import ScopeMissing
from app.schemas.base import PageFilter
from app.schemas.prices import PriceDraft, SetPricePage, SetPriceView
from app.services import prices

blueprint = Blueprint("prices", __name__, url_prefix="/prices", description="What models are set to cost.")


@blueprint.get("")
@blueprint.takes_query(PageFilter)
@blueprint.answers(200, SetPricePage)
@blueprint.may_fail(ScopeMissing)
def list_prices(query: dict[str, Any]) -> Any:
    """List the prices that admins have set; those of the price list are with the models."""
    require_admin()
    return paging.envelope(prices.page(paging.ask_of(query, "asc", (str,))))


@blueprint.put("/<path:model>")
@blueprint.takes(PriceDraft, example=examples.PRICE)
@blueprint.answers(200, SetPriceView)
@blueprint.may_fail(ScopeMissing)
def put_price(values: dict[str, int], model: str) -> Any:
    """Set what a model costs from now on; what was charged before stays as it is."""
    require_admin()
    return prices.change(model, values)


@blueprint.delete("/<path:model>")
@blueprint.answers(204)
@blueprint.may_fail(ScopeMissing)
def delete_price(model: str) -> Any:
    """Go back to what the price list says of a model."""
    require_admin()
    prices.remove(model)
    return Response(status=204)


def require_admin() -> None:
    """Refuse whoever is none."""
    if caller().role != "admin":
        raise ScopeMissing("Only an admin may see and set prices.")
