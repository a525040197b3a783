"""Server-sent events: the one place where a stream becomes bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from flask import Response, request

from app.api.wiring import EVENT_STREAM
from app.errors import Fault, Invalid
from app.telemetry import metrics
from app.turns.log import Log

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
PING = b": ping\n\n"
LINE_END = re.compile(r"\r\n|\r|\n")


def respond(
    log: Log, ping_seconds: float, *, after: int = 0, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """A response that follows the log from the event after this number."""
    body = encode(log, ping_seconds, after)
    return Response(body, 200, headers={**HEADERS, **headers}, content_type=EVENT_STREAM)


def encode(log: Log, ping_seconds: float, after: int = 0) -> Iterator[bytes]:
    """The log's events as bytes, each with its id; those that are there at once are sent at once.

    After each silence a comment line.
    """
    with metrics.OPEN_STREAMS.track_inprogress():
        for batch in log.batches(after, ping_seconds):
            texts = [_as_text(log.message_id, number, event.name, event.text) for number, event in batch]
            yield "".join(texts).encode() or PING


def _as_text(message_id: str, number: int, name: str, text: str) -> str:
    if "\n" in text or "\r" in text:
        text = "\ndata: ".join(LINE_END.split(text))
    return f"id: {message_id}:{number}\nevent: {name}\ndata: {text}\n\n"


def after_of(number: int | None, message_id: str) -> int:
    """The event that a reader already has: as asked for, or as its Last-Event-ID says."""
    last = request.headers.get("Last-Event-ID", "")
    if number is not None or not last:
        return number or 0
    found = re.fullmatch(r"(.+):(\d{1,10})", last)
    if found is None or found[1] != message_id:
        fault = Fault("/headers/Last-Event-ID", f"Must be {message_id}:n, as the events have it.")
        raise Invalid("The Last-Event-ID is not of this message.", faults=[fault])
    return int(found[2])
