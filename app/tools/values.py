"""Tools and their calls as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.claude.stop import Stop

BUILT_IN, FOLDER, MCP = "built-in", "folder", "mcp"


@dataclass(frozen=True)
class Scene:
    """For whom and in which turn a tool is called; `stop` ends the turn."""

    user_id: str
    session_id: str
    message_id: str
    stop: Stop = field(default_factory=Stop)


# The arguments that Claude gave, checked against the schema → a text, content blocks, or any JSON value.
Act = Callable[[Mapping[str, Any], Scene], Any]


@dataclass(frozen=True)
class Tool:
    """A function that Claude may call. `source` says where it comes from: BUILT_IN, FOLDER, or MCP:<server>.

    `needs_approval` where a person must say yes to each call. `time_limit_seconds` is 0 for the server's
    usual one. One that is not `is_parallel` runs alone.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    act: Act
    source: str = BUILT_IN
    needs_approval: bool = False
    time_limit_seconds: float = 0
    is_parallel: bool = True

    @property
    def declaration(self) -> dict[str, Any]:
        """As Claude is told of it."""
        return {"name": self.name, "description": self.description, "input_schema": dict(self.input_schema)}


@dataclass(frozen=True)
class Limits:
    """What a call may take: seconds, and characters of its output that are sent to Claude, and are kept."""

    seconds: float = 30.0
    sent_characters: int = 20_000
    kept_characters: int = 1_000_000


@dataclass(frozen=True)
class Call:
    """One `tool_use` of Claude's."""

    id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What came of a call: the content that Claude is sent for it, and how it ended (tracing.STATUSES)."""

    call: Call
    content: str | Sequence[Mapping[str, Any]]
    is_error: bool = False
    status: str = "ok"
    ms: float = 0.0

    @property
    def as_block(self) -> dict[str, Any]:
        """The `tool_result` for it."""
        block = {"type": "tool_result", "tool_use_id": self.call.id, "content": self.content}
        return {**block, "is_error": True} if self.is_error else block


class ToolFailed(Exception):
    """What a tool raises to tell Claude, in words, why it could not do it."""
