"""Answering an act that begins a turn: at once as JSON, or as a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, request, url_for

from app.api import examples, idempotency, requests, sse
from app.api.identity import caller
from app.api.wiring import EVENT_STREAM, Blueprint, View
from app.billing.usage import Usage
from app.errors import TURN_ERRORS, ColloquyError, Fault, Invalid
from app.extensions import config
from app.schemas.messages import TurnView
from app.services import turns
from app.services.idempotency import Claim
from app.services.preparations import After, Draft
from app.services.settings import Wishes
from app.services.turns import Begun
from app.telemetry import tracing


def begins_turn(blueprint: Blueprint, *errors: type[ColloquyError]) -> Callable[[View], View]:
    """What the operations that begin a turn have in common, besides errors of their own."""

    def _decorate(view: View) -> View:
        view = blueprint.may_fail(*errors, *TURN_ERRORS)(view)
        view = blueprint.also_answers(200, **examples.STREAM)(view)
        view = blueprint.answers(201, TurnView)(view)
        return blueprint.takes_key(view)

    return _decorate


def send(values: dict[str, Any], session_id: str | None) -> Any:
    """Send a message, and answer as `begin` does."""
    if values.get("parent_id") and not session_id:
        fault = Fault("/session_id", "Is needed where there is a parent_id.")
        raise Invalid("A parent_id needs the session that it is in.", faults=[fault])
    return begin(lambda: draft_of(values, session_id), is_streamed=values["stream"])


def draft_of(values: dict[str, Any], session_id: str | None) -> Draft:
    """What the body of a message asks for."""
    parent_id = values.get("parent_id")
    return Draft(
        values["content"],
        session_id,
        wishes_of(values),
        values["metadata"],
        after=After(parent_id) if parent_id else None,
        waits=values["on_busy"] == "queue",
        expected_plan=values.get("expect_plan"),
        max_cost_nano_usd=values.get("max_cost_nano_usd"),
    )


def begin(make_draft: Callable[[], Draft], *, is_streamed: bool) -> Any:
    """Begin the turn, or find the one this request began before, and answer in the form that is asked for."""
    claim = idempotency.claim()
    begun = turns.replayed(caller(), claim) or _started(make_draft, claim)
    requests.note(session_id=begun.made.session_id)
    requests.note_at_end(lambda: tokens_of(begun.log.usage if begun.log else None))
    headers = {
        "Location": url_for("messages.get_message", message_id=begun.made.message_id),
        **idempotency.headers(is_replayed=begun.is_replayed),
    }
    if is_streamed or is_stream_accepted():
        return _stream(begun, headers)
    user_message, message = turns.finished(begun)
    return {"user_message": user_message, "message": message}, 201, headers


def _started(make_draft: Callable[[], Draft], claim: Claim | None) -> Begun:
    with tracing.within(tracing.root()):  # tools that were approved belong to the turn
        return turns.start(caller(), make_draft(), g.request_id, claim)


def wishes_of(values: dict[str, Any]) -> Wishes:
    """What the body says of the answer's settings."""
    return Wishes(values.get("model"), values.get("system"), values.get("max_tokens"))


def is_stream_accepted() -> bool:
    """Whether the Accept header names an event stream."""
    return any(type_ == EVENT_STREAM and quality > 0 for type_, quality in request.accept_mimetypes)


def _stream(begun: Begun, headers: dict[str, str]) -> Response:
    return sse.respond(turns.opened(begun), config().ping_seconds, headers=headers)


def tokens_of(usage: Usage | None) -> dict[str, int]:
    """What the log line says of the tokens."""
    return {"input_tokens": usage.prompt_tokens, "output_tokens": usage.output_tokens} if usage else {}
