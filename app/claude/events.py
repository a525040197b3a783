"""The events of a streamed answer as values. Claude's own payload text is kept to the letter."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self

from app.claude import failures
from app.errors import Upstream, UpstreamFailed

DEEPEST = 100
Pair = tuple[str | None, str]


@dataclass(slots=True)
class Event:
    """One server-sent event: its name, its payload, and the payload's text as it came or will be sent.

    A log keeps all events of its answer, so of those that were taken in only the text is kept: a payload in
    pieces takes five times as much memory.
    """

    name: str
    _payload: dict[str, Any] | None = field(repr=False, compare=False)
    text: str

    @property
    def payload(self) -> dict[str, Any]:
        """What it says; read from its text, where that was not just done."""
        return self._payload if self._payload is not None else json.loads(self.text)

    def slim(self) -> None:
        """Keep no more than the text."""
        self._payload = None

    @classmethod
    def made(cls, name: str, payload: dict[str, Any]) -> Self:
        """An event of our own; `type` lets parsers of Claude's streams tell it from Claude's."""
        payload = {"type": name, **payload}
        return cls(name, payload, json.dumps(payload, ensure_ascii=False, separators=(",", ":")))


def read(pairs: Iterable[Pair], request_id: str | None) -> Iterator[Event]:
    """Claude's events from (name, text) pairs, up to `message_stop`; what comes after that is read and left.

    Raises what an `error` event means, and UpstreamFailed where a payload isn't JSON or the stream just ends.
    """
    left = iter(pairs)
    for name, text in _as_text(left, request_id):
        if not text:
            continue
        payload = _payload(text, request_id)
        event = Event(sys.intern(name or str(payload.get("type", ""))), payload, text)
        if event.name == "error":
            raise failures.from_error_event(_type_of(event.payload), request_id)
        yield event
        if event.name == "message_stop":
            next(left, None)  # the end, or the connection could not be used again; who pings on is left
            return
    raise UpstreamFailed(
        "Claude's answer ended before it was complete. What came is kept; send again or regenerate.",
        upstream=Upstream(200, "stream_unfinished", request_id),
    )


def _as_text(pairs: Iterator[Pair], request_id: str | None) -> Iterator[Pair]:
    try:
        yield from pairs
    except UnicodeDecodeError as error:
        raise _garbled(request_id) from error


def parsed(text: str) -> Any:
    """A JSON value that can be kept and sent on; ValueError also for NaN, Infinity and endless nesting."""
    try:
        value, end = DECODER.raw_decode(text) if text.startswith("{") else (None, -1)
        if end != len(text):  # there is white space around it, or more than one value
            value = DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > DEEPEST and _is_deeper(value, DEEPEST):
        raise ValueError("nested too deeply")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def _type_of(payload: dict[str, Any]) -> str | None:
    said = payload.get("error")
    type_ = said.get("type") if isinstance(said, dict) else None
    return type_ if isinstance(type_, str) else None


def _payload(text: str, request_id: str | None) -> dict[str, Any]:
    with suppress(ValueError):
        payload = parsed(text)
        if isinstance(payload, dict):
            return payload
    raise _garbled(request_id)


def _garbled(request_id: str | None) -> UpstreamFailed:
    return UpstreamFailed(
        "Claude's answer held something that is not an event. What came is kept; send again or regenerate.",
        upstream=Upstream(200, "stream_garbled", request_id),
    )
