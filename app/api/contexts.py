"""/sessions/{id}/preflight, /context, /compact, /pins: what Claude is sent of a session."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api import etags, examples, idempotency, sending
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.errors import (
    CLAUDE_ERRORS,
    ContextOverflow,
    IdempotencyKeyReused,
    NothingToCompact,
    PlanChanged,
    SessionBusy,
)
from app.schemas.base import Nothing
from app.schemas.contexts import ContextView, PreflightView, SummaryView
from app.schemas.messages import MessageDraft, MessageView
from app.services import contexts, pins, preflights, summaries

blueprint = Blueprint(
    "context", __name__, url_prefix="/sessions", description="What Claude is sent of a session."
)


@blueprint.post("/<id:session_id>/preflight")
@blueprint.takes(MessageDraft, example=examples.MESSAGE)
@blueprint.answers(200, PreflightView)
@blueprint.may_fail(ContextOverflow, PlanChanged, SessionBusy)
def preflight(values: dict[str, Any], session_id: str) -> Any:
    """Say what a message would send, what of it the cache gives, and what it costs; nothing is spent."""
    return preflights.preflight(caller(), sending.draft_of(values, session_id))


@blueprint.get("/<id:session_id>/context")
@blueprint.answers(200, ContextView)
@blueprint.may_fail(ContextOverflow)
def get_context(session_id: str) -> Any:
    """Read what the next request holds, what is cut, the summary, pins, and the calls that made them."""
    return contexts.shown(caller(), session_id)


@blueprint.post("/<id:session_id>/compact")
@blueprint.takes(Nothing, example={})
@blueprint.takes_key
@blueprint.answers(200, SummaryView)
@blueprint.may_fail(*CLAUDE_ERRORS, NothingToCompact, IdempotencyKeyReused)
def compact(_values: dict[str, Any], session_id: str) -> Any:
    """Summarise the older turns now; the next request holds the summary in their place."""
    return summaries.compact(caller(), session_id, idempotency.claim())


@blueprint.put("/<id:session_id>/pins/<id:message_id>")
@blueprint.takes(Nothing, example={})
@blueprint.answers(200, MessageView)
def pin_message(_values: dict[str, Any], session_id: str, message_id: str) -> Any:
    """Keep a message in the context for good."""
    message = pins.pin(caller(), session_id, message_id, is_pinned=True)
    return message, 200, etags.headers(message)


@blueprint.delete("/<id:session_id>/pins/<id:message_id>")
@blueprint.answers(204)
def unpin_message(session_id: str, message_id: str) -> Any:
    """Let a message be left out again when its turn comes."""
    pins.pin(caller(), session_id, message_id, is_pinned=False)
    return Response(status=204)
