"""Telling the `anthropic` package's span of a call what comes, for we read its stream ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from app.claude.events import Event

DELTA, STOP = "content_block_delta", "message_stop"
TOLD = frozenset({"message_start", "content_block_start", "message_delta"})


def observed(response: Any, events: Iterator[Event]) -> Iterator[Event]:
    """The events; where the call has a span, that learns the usage, and ends with the answer."""
    observer = getattr(response.stream, "stream_observer", None)
    return events if observer is None else _told(observer, events)


def _told(observer: Any, events: Iterator[Event]) -> Iterator[Event]:
    observer.begin()
    has_delta = False
    for event in events:
        if event.name in TOLD or event.name == STOP or not has_delta:
            with suppress(TypeError, ValueError, AttributeError):  # a span may lack what Claude has garbled
                observer.item(_as_the_package_has_it(event))
        has_delta = has_delta or event.name == DELTA
        if event.name == STOP:
            observer.end("read")
        yield event


def _as_the_package_has_it(event: Event) -> Any:
    from anthropic import types

    made: dict[str, Any] = {
        "message_start": types.RawMessageStartEvent,
        "content_block_start": types.RawContentBlockStartEvent,
        "message_delta": types.RawMessageDeltaEvent,
    }
    return made[event.name].construct(**event.payload) if event.name in made else event.payload
