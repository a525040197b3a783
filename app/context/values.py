"""The values that go into a prompt and come out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Block = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """A message of the path. `bound_to`, on an answer, is the digest of what it was an answer to.

    An instruction is the server's own word on the turn before it, and is not kept.
    """

    id: str
    role: str
    content: Sequence[Block]
    model: str | None = None
    bound_to: str | None = None
    is_instruction: bool = False


@dataclass(frozen=True)
class Window:
    """What a model can hold, in tokens; `tokens_factor` scales estimates to its tokenizer (1: the newest)."""

    model: str
    window_tokens: int
    greatest_output_tokens: int
    tokens_factor: float = 1.0


@dataclass(frozen=True)
class Ask:
    """The settings of one send. `budget_tokens` caps the input share; 0 leaves it to the model."""

    model: str
    max_tokens: int
    system: str | None = None
    budget_tokens: int = 0
    tools: Sequence[Block] = ()


@dataclass(frozen=True)
class Plan:
    """What went in and what was left out; all but the ids are estimates in tokens."""

    input_share_tokens: int
    system_tokens: int
    history_tokens: int
    new_tokens: int
    first_kept_id: str
    left_out_ids: Sequence[str] = ()


@dataclass(frozen=True)
class Prompt:
    """A Messages request, what it is bound to (see `rendering.Digest`), and how it came about.

    `thinking_ids` are the messages whose thinking goes back with it.
    """

    model: str
    max_tokens: int
    messages: Sequence[Block]
    bound_to: str
    plan: Plan
    system: str | None = None
    tools: Sequence[Block] = field(default=())
    thinking_ids: Sequence[str] = ()

    def as_request(self) -> dict[str, Any]:
        """The body for Claude; the marker caches the prompt up to its last block."""
        body: dict[str, Any] = {"model": self.model, "max_tokens": self.max_tokens}
        if self.tools:
            body["tools"] = list(self.tools)
        if self.system:
            body["system"] = self.system
        return {**body, "messages": list(self.messages), "cache_control": {"type": "ephemeral"}}
