"""/tools: what Claude may call here."""

from __future__ import annotations

from typing import Any

from app.api import paging
from app.api.wiring import Blueprint
from app.schemas.base import PageFilter
from app.schemas.tools import ToolPage
from app.services import toolboxes

blueprint = Blueprint("tools", __name__, url_prefix="/tools", description="What Claude may call here.")


@blueprint.get("")
@blueprint.takes_query(PageFilter)
@blueprint.answers(200, ToolPage)
def list_tools(query: dict[str, Any]) -> Any:
    """List the tools of the server that sessions may allow, by name."""
    return paging.envelope(toolboxes.page(paging.ask_of(query, "asc", (str,))))
