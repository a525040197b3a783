"""Server-sent events: the one place where a stream becomes bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Response

from app.api.wiring import EVENT_STREAM
from app.turns.log import Log

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
PING = b": ping\n\n"
LINE_END = re.compile(r"\r\n|\r|\n")


def respond(log: Log, message_id: str, ping_seconds: float, headers: dict[str, str]) -> Response:
    """A response that follows the log from its first event."""
    body = encode(log, message_id, ping_seconds)
    return Response(body, 200, headers={**HEADERS, **headers}, content_type=EVENT_STREAM)


def encode(log: Log, message_id: str, ping_seconds: float) -> Iterator[bytes]:
    """The log's events as bytes, each with its id; a comment line for each silence."""
    for one in log.follow(ping_seconds=ping_seconds):
        if one is None:
            yield PING
        else:
            number, event = one
            lines = "\ndata: ".join(LINE_END.split(event.text))
            yield f"id: {message_id}:{number}\nevent: {event.name}\ndata: {lines}\n\n".encode()
