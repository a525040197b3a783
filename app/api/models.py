"""/models: what may be used, and what it costs."""

from __future__ import annotations

from typing import Any

from app.api.wiring import Blueprint
from app.schemas.models import ModelPage
from app.services import models

blueprint = Blueprint("models", __name__, url_prefix="/models", description="What may be used.")


@blueprint.get("")
@blueprint.answers(200, ModelPage)
def list_models() -> Any:
    """List the models with windows, greatest output, prices and lifecycle."""
    return {"data": models.available()}
