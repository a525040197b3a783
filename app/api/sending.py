"""Answering a send: at once as JSON, or as a stream."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for

from app.api import requests, sse
from app.api.identity import caller
from app.api.wiring import EVENT_STREAM
from app.extensions import config
from app.services import turns
from app.services.settings import Wishes
from app.services.turns import Begun, Draft
from app.turns.reply import Usage


def send(values: dict[str, Any], session_id: str | None) -> Any:
    """Begin the turn and answer in the form that is asked for."""
    wishes = Wishes(values.get("model"), values.get("system"), values.get("max_tokens"))
    begun = turns.start(
        caller(), Draft(values["content"], session_id, wishes, values["metadata"]), g.request_id
    )
    requests.note(session_id=begun.job.session_id)
    requests.note_at_end(lambda: tokens_of(begun.log.usage))
    location = {"Location": url_for("messages.get_message", message_id=begun.job.message_id)}
    if values["stream"] or is_stream_accepted():
        return _stream(begun, location)
    user_message, message = turns.finished(begun)
    return {"user_message": user_message, "message": message}, 201, location


def is_stream_accepted() -> bool:
    """Whether the Accept header names an event stream."""
    return any(type_ == EVENT_STREAM and quality > 0 for type_, quality in request.accept_mimetypes)


def _stream(begun: Begun, location: dict[str, str]) -> Response:
    log = turns.opened(begun)
    return sse.respond(log, begun.job.message_id, config().ping_seconds, location)


def tokens_of(usage: Usage | None) -> dict[str, int]:
    """What the log line says of the tokens."""
    return {"input_tokens": usage.prompt_tokens, "output_tokens": usage.output_tokens} if usage else {}
