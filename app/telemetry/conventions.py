"""Spans in the words of OpenTelemetry's conventions for generative AI: the one place that knows these words.

As of semantic-conventions-genai 0.1, and as the `anthropic` package uses them. What a span was given and what
it gave is told only where that is asked for; besides it, ids, names and numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.telemetry.tracing import CANCELLED, ERROR, OK, TIMEOUT, TOOL, TURN, Span

AGENT = "colloquy"
CONVERSATION = "gen_ai.conversation.id"
INVOKE_AGENT, EXECUTE_TOOL = "invoke_agent", "execute_tool"
MOST_CHARACTERS = 100_000  # of what a span was given, or gave
# The ids of what a trace is about, and the names that the conventions have for them.
IDS = {"session_id": CONVERSATION, "message_id": "colloquy.message.id"}
USAGE: Mapping[str, tuple[str, ...]] = {
    "gen_ai.usage.input_tokens": (
        "input_tokens",
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
    ),
    "gen_ai.usage.cache_read.input_tokens": ("cache_read_tokens",),
    "gen_ai.usage.cache_write.input_tokens": ("cache_write_5m_tokens", "cache_write_1h_tokens"),
    "gen_ai.usage.output_tokens": ("output_tokens",),
}
OPERATIONS = {TURN: INVOKE_AGENT, TOOL: EXECUTE_TOOL}
ERROR_TYPES = {TIMEOUT: "timeout", CANCELLED: "cancelled"}
FAILED = frozenset({ERROR, TIMEOUT})  # who stops a call meant to
CONTENT = {TOOL: ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")}
USUAL_CONTENT = ("colloquy.input", "colloquy.output")
Attributes = dict[str, str | int | float | bool]


def name_of(one: Span) -> str:
    """What a span is called: `execute_tool clock`."""
    named = {TURN: f"{INVOKE_AGENT} {AGENT}", TOOL: f"{EXECUTE_TOOL} {one.name}"}
    return named.get(one.kind, one.name)


def at_begin(one: Span) -> Attributes:
    """What is known when it opens, for samplers too."""
    found: Attributes = {"colloquy.kind": one.kind}
    if operation := OPERATIONS.get(one.kind):
        found["gen_ai.operation.name"] = operation
    if one.kind == TURN:
        found |= {"gen_ai.agent.name": AGENT, "gen_ai.provider.name": "anthropic"}
    if one.kind == TOOL:
        found |= {"gen_ai.tool.name": one.name, "gen_ai.tool.type": "function"}
    if one.origin:
        found["colloquy.request.id"] = one.origin.request_id
    return found


def at_end(one: Span, *, shows_content: bool) -> Attributes:
    """What is known when it has closed. A turn says what was used; calls to Claude do so themselves."""
    found: Attributes = {theirs: one.about[ours] for ours, theirs in IDS.items() if ours in one.about}
    found |= dict(_used(one.output)) if one.kind == TURN else {}
    if one.status != OK:
        found["error.type"] = _error_type(one)
    if shows_content:
        names = CONTENT.get(one.kind, USUAL_CONTENT)
        found |= {name: _as_text(value) for name, value in zip(names, (one.input, one.output), strict=True)}
    return found


def _error_type(one: Span) -> str:
    code = one.output.get("error") if isinstance(one.output, Mapping) else None
    code = code.get("code") if isinstance(code, Mapping) else code
    usual = "tool_error" if one.kind == TOOL else "_OTHER"  # as the package says it
    return code if isinstance(code, str) else ERROR_TYPES.get(one.status, usual)


def _used(value: Any) -> Iterator[tuple[str, int]]:
    usage = value.get("usage") if isinstance(value, Mapping) else None
    if isinstance(usage, Mapping):
        for theirs, classes in USAGE.items():
            yield theirs, sum(usage.get(name) or 0 for name in classes)


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:MOST_CHARACTERS]
