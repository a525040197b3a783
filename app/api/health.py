"""Is the server alive, is it ready, what is it: no key needed, and Claude is not called."""

from __future__ import annotations

from typing import Any

from app.api.wiring import Blueprint
from app.errors import Draining
from app.schemas.health import LiveView, ReadyView, VersionView
from app.services import health, turns

blueprint = Blueprint("health", __name__, description="For probes and people.")


@blueprint.get("/livez")
@blueprint.answers(200, LiveView)
def live() -> Any:
    """Say that the process answers."""
    return {"status": "alive"}


@blueprint.get("/readyz")
@blueprint.answers(200, ReadyView)
@blueprint.may_fail(Draining)
def ready() -> Any:
    """Say whether the server takes work: the database answers, has the right schema, and no end is near."""
    turns.refuse_if_draining()
    health.check_database()
    return {"status": "ready", **health.about()}


@blueprint.get("/version")
@blueprint.answers(200, VersionView)
def version() -> Any:
    """Say what runs here."""
    return health.about()
