"""/usage and /ledger: what was used, what it cost, and every movement of money."""

from __future__ import annotations

from typing import Any

from app.api import paging
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.schemas.base import PageFilter
from app.schemas.money import LedgerPage, UsageFilter, UsageSums, groups_of
from app.services import usage
from app.services.usage import Wanted

blueprint = Blueprint("usage", __name__, description="What was used, and what it cost.")


@blueprint.get("/usage")
@blueprint.takes_query(UsageFilter)
@blueprint.answers(200, UsageSums)
def get_usage(query: dict[str, Any]) -> Any:
    """Sum what you used; the sums equal the ledger. An admin who groups by `user` sees everybody's."""
    wanted = Wanted(groups_of(query), query.get("since"), query.get("until"))
    return usage.summed(caller(), wanted)


@blueprint.get("/ledger")
@blueprint.takes_query(PageFilter)
@blueprint.answers(200, LedgerPage)
def list_ledger(query: dict[str, Any]) -> Any:
    """List your movements of money, oldest first."""
    return paging.envelope(usage.entries(caller(), paging.ask_of(query, "asc", (str,))))
