"""/prices: what admins have set models to cost, in place of the price list."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api import examples, paging
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.schemas.base import PageFilter
from app.schemas.prices import PriceDraft, SetPricePage, SetPriceView
from app.services import prices

blueprint = Blueprint("prices", __name__, url_prefix="/prices", description="What models are set to cost.")


@blueprint.get("")
@blueprint.takes_query(PageFilter)
@blueprint.answers(200, SetPricePage)
def list_prices(query: dict[str, Any]) -> Any:
    """List the prices that admins have set; those of the price list are with the models."""
    return paging.envelope(prices.page(paging.ask_of(query, "asc", (str,))))


@blueprint.put("/<path:model>")
@blueprint.takes(PriceDraft, example=examples.PRICE)
@blueprint.answers(200, SetPriceView)
def put_price(values: dict[str, int], model: str) -> Any:
    """Set what a model costs from now on; what was charged before stays as it is."""
    return prices.change(caller(), model, values)


@blueprint.delete("/<path:model>")
@blueprint.answers(204)
def delete_price(model: str) -> Any:
    """Go back to what the price list says of a model."""
    prices.remove(caller(), model)
    return Response(status=204)
