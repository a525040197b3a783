"""Claude's events without secrets, also where one is split over several: the log holds what is sent.

What Claude signs is never changed. An event without a secret passes as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.claude.events import Event
from app.errors import ColloquyError
from app.telemetry.redaction import Redactor, Trickle

DELTA, STOP = "content_block_delta", "content_block_stop"
ENDS = frozenset({"message_delta", "message_stop"})
PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
QUOTES = 16  # in a delta of the usual shape, besides those of its piece
SEALED = frozenset({"signature", "data", "encrypted_content", "encrypted_index", "encrypted_stdout"})


def drawn(events: Iterator[Event], redactor: Redactor) -> Iterator[Event]:
    """The events behind a veil; where they break off, what was held back comes before the error."""
    veil = Veil(redactor)
    try:
        for event in events:
            yield from veil.take(event)
    except ColloquyError:
        yield from veil.rest()
        raise


class Veil:
    """One answer's events as they come."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._blocks: dict[int, tuple[str, Trickle]] = {}  # by index: the kind of delta, and its text

    def take(self, event: Event) -> Sequence[Event]:
        """The event as it may be shown, after what was held back and has become harmless; or nothing yet."""
        index, delta = event.payload.get("index"), event.payload.get("delta")
        if event.name == DELTA and isinstance(delta, dict) and isinstance(index, int):
            kind = str(delta.get("type"))
            piece = delta.get(PIECES.get(kind, ""))
            return self._piece(event, index, kind, piece) if isinstance(piece, str) else [self._whole(event)]
        if event.name == STOP and isinstance(index, int):
            return [*self._rest_of(index), self._whole(event)]
        return [*(self.rest() if event.name in ENDS else ()), self._whole(event)]

    def rest(self) -> list[Event]:
        """What is held back, at the end."""
        return [event for index in list(self._blocks) for event in self._rest_of(index)]

    def _piece(self, event: Event, index: int, kind: str, piece: str) -> Sequence[Event]:
        before = list[Event]()
        if index not in self._blocks or self._blocks[index][0] != kind:
            before = self._rest_of(index)
            self._blocks[index] = kind, Trickle(self._redactor)
        shown = self._blocks[index][1].take(piece)
        if shown is piece and (_is_plain(event, piece) or not self._redactor.find(event.text)[0]):
            return [*before, event] if before else (event,)
        return [*before, _delta(index, kind, shown)] if shown else before

    def _rest_of(self, index: int) -> list[Event]:
        if index not in self._blocks:
            return []
        kind, trickle = self._blocks.pop(index)
        left = trickle.rest()
        return [_delta(index, kind, left)] if left else []

    def _whole(self, event: Event) -> Event:
        payload = self._redactor.within(event.payload, SEALED)
        if payload is event.payload and not self._redactor.find(event.text)[0]:
            return event
        return Event.made(event.name, payload)


def _is_plain(event: Event, piece: str) -> bool:
    """Whether the event's text holds nothing but the piece: no other names, and none of them twice."""
    payload, delta = event.payload, event.payload["delta"]
    is_known = len(payload) == 3 and len(delta) == 2 and payload.get("type") == DELTA
    return is_known and event.text.count('"') == QUOTES + piece.count('"')


def _delta(index: int, kind: str, text: str) -> Event:
    return Event.made(DELTA, {"index": index, "delta": {"type": kind, PIECES[kind]: text}})
