"""/models: what may be used, and what it costs."""

from __future__ import annotations

from typing import Any

from app.api import paging
from app.api.wiring import Blueprint
from app.schemas.base import PageFilter
from app.schemas.models import ModelPage
from app.services import models

blueprint = Blueprint("models", __name__, url_prefix="/models", description="What may be used.")


@blueprint.get("")
@blueprint.takes_query(PageFilter)
@blueprint.answers(200, ModelPage)
def list_models(query: dict[str, Any]) -> Any:
    """List the models with windows, greatest output, prices and lifecycle."""
    return paging.envelope(models.page(paging.ask_of(query, "asc", (str,))))
