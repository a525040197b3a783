"""What an answer's events add up to: a pure fold, the same for a whole answer and for one that broke off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.billing.usage import Usage, count_of
from app.claude.events import Event, parsed

LONGEST_MODEL, LONGEST_STOP_REASON, LONGEST_ID, LONGEST_REASON = 200, 64, 100, 64
PLAIN_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


@dataclass(frozen=True)
class Reply:
    """An answer so far. `usage` is None where Claude reported none, as is `thinking_tokens`.

    `upstream_id` is Claude's own id of it, `cache_miss_reason` Claude's word on why the cache gave less.
    """

    content: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None
    thinking_tokens: int | None = None
    is_complete: bool = False
    upstream_id: str | None = None
    cache_miss_reason: dict[str, Any] | None = None


def read(events: Iterable[Event]) -> Reply:
    """The answer that these events make, in one pass. What is malformed is passed over; the rest is kept."""
    reading = Reading()
    for event in events:
        reading.take(event)
    return reading.reply()


class Reading:
    """The events of an answer as they come, and at any moment the answer that they make so far."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._start: dict[str, Any] = {}
        self._end: dict[str, Any] = {}
        self._reported: dict[str, Any] = {}
        self._is_complete = False

    def take(self, event: Event) -> None:
        """Take one event in."""
        payload = event.payload
        if event.name == "message_start":
            self._start = _dict(payload.get("message"))
            self._reported.update(_given(self._start.get("usage")))
        elif event.name == "message_delta":
            self._end.update(_dict(payload.get("delta")))
            self._reported.update(_given(payload.get("usage")))
        elif event.name == "message_stop":
            self._is_complete = True
        else:
            self._take_in(event.name, payload)

    def _take_in(self, name: str, payload: dict[str, Any]) -> None:
        index = payload.get("index", len(self._blocks))
        if not isinstance(index, int):
            return
        if name == "content_block_delta":
            if index in self._blocks:
                self._blocks[index].add(_dict(payload.get("delta")))
        elif name == "content_block_start":
            block = _dict(payload.get("content_block"))
            if isinstance(block.get("type"), str):
                self._blocks[index] = _Block(dict(block))

    def reply(self) -> Reply:
        """The answer so far."""
        start, end, reported = self._start, self._end, self._reported
        return Reply(
            content=[made for _, one in sorted(self._blocks.items()) if (made := one.made()) is not None],
            model=_short(start.get("model"), LONGEST_MODEL),
            stop_reason=_short(end.get("stop_reason"), LONGEST_STOP_REASON),
            usage=Usage.from_claude(reported) if reported else None,
            thinking_tokens=_thinking_tokens(reported),
            is_complete=self._is_complete,
            upstream_id=_short(start.get("id"), LONGEST_ID),
            cache_miss_reason=_cache_miss_reason(start),
        )


def _given(usage: Any) -> dict[str, Any]:
    return {name: value for name, value in _dict(usage).items() if value is not None}


def _thinking_tokens(usage: dict[str, Any]) -> int | None:
    details = _dict(usage.get("output_tokens_details"))
    return count_of(details["thinking_tokens"]) if "thinking_tokens" in details else None


def _cache_miss_reason(start: dict[str, Any]) -> dict[str, Any] | None:
    reason = _dict(_dict(start.get("diagnostics")).get("cache_miss_reason"))
    kind, missed = _short(reason.get("type"), LONGEST_REASON), reason.get("cache_missed_input_tokens")
    if kind is None:
        return None
    return {"type": kind} | ({} if missed is None else {"cache_missed_input_tokens": count_of(missed)})


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _short(value: Any, most: int) -> str | None:
    return _joined([value]).replace("\0", "")[:most] if isinstance(value, str) else None


def _joined(pieces: Iterable[str]) -> str:
    """The pieces as one text; a character that was split over two of them is whole again."""
    text = "".join(pieces)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Block:
    """One content block and the pieces that came for it."""

    def __init__(self, start: dict[str, Any]) -> None:
        self._start = start
        self._pieces: dict[str, list[str]] = {}
        self._citations: list[Any] = []

    def add(self, delta: dict[str, Any]) -> None:
        """Take one delta in; kinds that nobody knows yet are left aside."""
        kind = str(delta.get("type"))
        if kind in PLAIN_DELTAS:
            name = PLAIN_DELTAS[kind]
            self._pieces.setdefault(name, []).append(str(delta.get(name, "")))
        elif kind == "input_json_delta":
            self._pieces.setdefault("input", []).append(str(delta.get("partial_json", "")))
        elif kind == "citations_delta":
            self._citations.append(delta.get("citation"))

    def made(self) -> dict[str, Any] | None:
        """The block; None for a tool call whose input never became whole."""
        block = dict(self._start)
        for name in PLAIN_DELTAS.values():
            if name in self._pieces:
                block[name] = _joined([str(block.get(name) or ""), *self._pieces[name]])
        if self._citations:
            before = block.get("citations")
            block["citations"] = [*(before if isinstance(before, list) else []), *self._citations]
        text = _joined(self._pieces.get("input", []))
        if not text:
            return block
        try:
            return {**block, "input": parsed(text)}
        except ValueError:
            return None
