"""The events of a streamed answer as values. Claude's own payload text is kept to the letter."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from app.claude import failures
from app.errors import Upstream, UpstreamFailed


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its name, its payload, and the payload's text as it came or will be sent."""

    name: str
    payload: dict[str, Any]
    text: str

    @classmethod
    def made(cls, name: str, payload: dict[str, Any]) -> Self:
        """An event of our own; `type` lets parsers of Claude's streams tell it from Claude's."""
        payload = {"type": name, **payload}
        return cls(name, payload, json.dumps(payload, ensure_ascii=False, separators=(",", ":")))


def read(pairs: Iterable[tuple[str | None, str]], request_id: str | None) -> Iterator[Event]:
    """Claude's events from (name, text) pairs, up to `message_stop`; what comes after that is read and left.

    Raises what an `error` event means, and UpstreamFailed where a payload isn't JSON or the stream just ends.
    """
    left = iter(pairs)
    for name, text in left:
        if not text:
            continue
        payload = _payload(text, request_id)
        event = Event(name or str(payload.get("type", "")), payload, text)
        if event.name == "error":
            raise failures.from_error_event(_type_of(event.payload), request_id)
        yield event
        if event.name == "message_stop":
            deque(left, maxlen=0)
            return
    raise UpstreamFailed(
        "Claude's answer ended before it was complete. What came is kept; send again or regenerate.",
        upstream=Upstream(200, "stream_unfinished", request_id),
    )


def _type_of(payload: dict[str, Any]) -> str | None:
    said = payload.get("error")
    type_ = said.get("type") if isinstance(said, dict) else None
    return type_ if isinstance(type_, str) else None


def _payload(text: str, request_id: str | None) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except ValueError:
        payload = None
    if isinstance(payload, dict):
        return payload
    raise UpstreamFailed(
        "Claude's answer held something that is not an event. What came is kept; send again or regenerate.",
        upstream=Upstream(200, "stream_garbled", request_id),
    )
