"""/audit: who did what, for admins."""

from __future__ import annotations

from typing import Any

from app.api import paging
from app.api.wiring import Blueprint
from app.schemas.audit import AuditFilter, AuditPage
from app.services import audit
from app.services.audit import Wanted

blueprint = Blueprint("audit", __name__, url_prefix="/audit", description="Who did what, for admins.")


@blueprint.get("")
@blueprint.takes_query(AuditFilter)
@blueprint.answers(200, AuditPage)
def list_acts(query: dict[str, Any]) -> Any:
    """List what was done to keys, people and budgets, what was exported and deleted; the newest first."""
    wanted = Wanted(query.get("action"), query.get("actor_id"), query.get("object_id"))
    return paging.envelope(audit.page(wanted, paging.ask_of(query, "desc", (str,))))
