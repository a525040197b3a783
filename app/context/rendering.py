"""From the messages of a path to messages that Claude accepts.

Whatever happened to a history, the result begins with the user, alternates, has no empty text, pairs each
tool call with its result, and holds thinking only where it is still bound to all that stands before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from app.context.values import Ask, Block, Entry

THINKING = frozenset({"thinking", "redacted_thinking"})


class Digest:
    """What an answer is bound to: model, system, tools, and every message before it."""

    def __init__(self, ask: Ask) -> None:
        self._hash = hashlib.blake2b(_bytes([ask.model, ask.system or "", list(ask.tools)]), digest_size=32)

    def add(self, message: Block) -> None:
        """Count one more message in, for good."""
        self._hash.update(_bytes(message))

    def with_last(self, message: Block | None) -> str:
        """The digest in hex, with one more message at the end."""
        last = self._hash.copy()
        if message:
            last.update(_bytes(message))
        return last.hexdigest()


@dataclass
class Transcript:
    """Messages in the making; the last one may still grow, because equal roles are merged."""

    digest: Digest
    messages: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, path: Sequence[Entry], ask: Ask) -> Self:
        """Render a path."""
        transcript = cls(Digest(ask))
        for at, entry in enumerate(path):
            following = path[at + 1].content if at + 1 < len(path) else ()
            before = path[at - 1].content if at else ()
            transcript.append(entry.role, transcript.kept_blocks(entry, ask, before, following))
        return transcript

    @property
    def bound_to(self) -> str:
        """What an answer to these messages is bound to."""
        return self.digest.with_last(self.messages[-1] if self.messages else None)

    def append(self, role: str, blocks: Sequence[Block]) -> None:
        """Add a message, or add to the last one; nothing for nothing, and no answer in front."""
        blocks = _without_last_thinking(blocks)
        if not blocks or (role == "assistant" and not self.messages):
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"].extend(blocks)
            return
        if self.messages:
            self.digest.add(self.messages[-1])
        self.messages.append({"role": role, "content": list(blocks)})

    def kept_blocks(
        self, entry: Entry, ask: Ask, before: Sequence[Block], following: Sequence[Block]
    ) -> list[Block]:
        """What of one message may be sent, given its neighbours."""
        if entry.role == "assistant":
            is_bound = entry.model == ask.model and entry.bound_to == self.bound_to
            answered = _ids(following, "tool_result", "tool_use_id")
            return [block for block in entry.content if _may_stay(block, answered, is_bound)]
        asked = _ids(before, "tool_use", "id")
        results = [block for block in entry.content if block.get("tool_use_id") in asked]
        others = [
            block for block in entry.content if block.get("type") != "tool_result" and not _is_empty(block)
        ]
        return [*results, *others]


def _without_last_thinking(blocks: Sequence[Block]) -> Sequence[Block]:
    """An answer that broke off in its thinking may not end in it."""
    while blocks and blocks[-1]["type"] in THINKING:
        blocks = blocks[:-1]
    return blocks


def _may_stay(block: Block, answered: frozenset[str], is_bound: bool) -> bool:
    type_ = block.get("type")
    if type_ in THINKING:
        return is_bound and bool(block.get("signature") or block.get("data"))
    if type_ == "tool_use":
        return block.get("id") in answered
    return not _is_empty(block)


def _is_empty(block: Block) -> bool:
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def _ids(content: Iterable[Block], type_: str, name: str) -> frozenset[str]:
    return frozenset(str(block.get(name)) for block in content if block.get("type") == type_)


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
