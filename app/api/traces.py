"""/traces and /messages/{id}/trace: what was called for an answer, with what, and for how long."""

from __future__ import annotations

from typing import Any

from app.api import paging
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.schemas.traces import TraceFilter, TracePage, TraceView
from app.services import traces
from app.services.traces import Wanted

blueprint = Blueprint("traces", __name__, description="What was called for an answer.")


@blueprint.get("/messages/<id:message_id>/trace")
@blueprint.answers(200, TraceView)
def get_trace_of_message(message_id: str) -> Any:
    """Read every call that was made for an answer, as a tree.

    It is there when the answer has ended. Secrets are masked; what is too long is cut, and says so.
    """
    return traces.shown(traces.of_message(caller(), message_id))


@blueprint.get("/traces")
@blueprint.takes_query(TraceFilter)
@blueprint.answers(200, TracePage)
def list_traces(query: dict[str, Any]) -> Any:
    """Find traces of your turns, the newest first; with a tool, by how its calls went."""
    wanted = Wanted(
        query.get("tool"),
        query.get("status"),
        query.get("min_ms"),
        query.get("session_id"),
        query.get("message_id"),
        query.get("since"),
        query.get("until"),
    )
    return paging.envelope(traces.find(caller(), wanted, paging.ask_of(query, "desc", (str,))))


@blueprint.get("/traces/<id:trace_id>")
@blueprint.answers(200, TraceView)
def get_trace(trace_id: str) -> Any:
    """Read a trace: every call that was made for an answer, as a tree."""
    return traces.shown(traces.get(caller(), trace_id))
