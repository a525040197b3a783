"""What an answer's events add up to: a pure fold, the same for a whole answer and for one that broke off."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.claude.events import Event

PLAIN_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


@dataclass(frozen=True)
class Usage:
    """Tokens by class, as they are paid for."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """The whole prompt."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    @classmethod
    def from_claude(cls, usage: dict[str, Any]) -> Usage:
        """From Claude's words; cache writes without a 5m/1h split are 5m."""
        split = usage.get("cache_creation") or {}
        written = int(usage.get("cache_creation_input_tokens") or 0)
        one_hour = int(split.get("ephemeral_1h_input_tokens") or 0)
        return cls(
            input_tokens=int(usage.get("input_tokens") or 0),
            cache_read_tokens=int(usage.get("cache_read_input_tokens") or 0),
            cache_write_5m_tokens=max(written - one_hour, 0),
            cache_write_1h_tokens=one_hour,
            output_tokens=int(usage.get("output_tokens") or 0),
        )


@dataclass(frozen=True)
class Reply:
    """An answer so far. `usage` is None where Claude reported none."""

    content: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None
    is_complete: bool = False


def read(events: Iterable[Event]) -> Reply:
    """The answer that these events make, in one pass."""
    blocks: dict[int, _Block] = {}
    start: dict[str, Any] = {}
    end: dict[str, Any] = {}
    reported: dict[str, Any] = {}
    is_complete = False
    for event in events:
        payload = event.payload
        if event.name == "message_start":
            start = payload.get("message") or {}
            reported.update(_given(start.get("usage")))
        elif event.name == "content_block_start":
            blocks[payload["index"]] = _Block(copy.copy(payload["content_block"]))
        elif event.name == "content_block_delta" and payload["index"] in blocks:
            blocks[payload["index"]].add(payload["delta"])
        elif event.name == "message_delta":
            end = {**end, **(payload.get("delta") or {})}
            reported.update(_given(payload.get("usage")))
        is_complete = is_complete or event.name == "message_stop"
    return Reply(
        content=[made for at in sorted(blocks) if (made := blocks[at].made()) is not None],
        model=start.get("model"),
        stop_reason=end.get("stop_reason"),
        usage=Usage.from_claude(reported) if reported else None,
        is_complete=is_complete,
    )


def _given(usage: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (usage or {}).items() if value is not None}


class _Block:
    """One content block and the pieces that came for it."""

    def __init__(self, start: dict[str, Any]) -> None:
        self._start = start
        self._pieces: dict[str, list[str]] = {}
        self._citations: list[Any] = []

    def add(self, delta: dict[str, Any]) -> None:
        """Take one delta in; kinds that nobody knows yet are left aside."""
        kind = delta.get("type", "")
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
                block[name] = str(block.get(name) or "") + "".join(self._pieces[name])
        if self._citations:
            block["citations"] = [*(block.get("citations") or []), *self._citations]
        text = "".join(self._pieces.get("input", []))
        if not text:
            return block
        try:
            return {**block, "input": json.loads(text)}
        except ValueError:
            return None
