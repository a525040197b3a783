"""A request in, the reply's blocks out: always the same ones for the same request."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from app.claude.rules.models import Model
from app.claude.simulator import conversation
from app.claude.simulator.counting import block_tokens, tokens_of_units, units
from app.claude.simulator.directives import ToolWish, Wish
from app.claude.simulator.signatures import prefix_digest
from app.claude.simulator.signing import sign

Block = dict[str, Any]

THINKING_TOKENS = 4
_FILLER = [
    "Nothing",
    "here",
    "was",
    "thought",
    "of",
    "by",
    "a",
    "model:",
    "these",
    "words",
    "only",
    "fill",
    "the",
    "length",
    "that",
    "was",
    "asked",
    "for.",
]
_CHUNK = re.compile(r"\s*\S+|\s+")
_EXPLANATION = "The simulator was asked to refuse."


@dataclass(frozen=True, slots=True)
class Room:
    """How many tokens the reply may have, and the stop reason when they are used up."""

    tokens: int
    stop_reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    blocks: tuple[Block, ...] = ()
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    output_tokens: int = 0
    thinking_tokens: int = 0

    @property
    def stop_details(self) -> dict[str, str] | None:
        if self.stop_reason != "refusal":
            return None
        return {"type": "refusal", "category": "general_harms", "explanation": _EXPLANATION}


def room(request: Mapping[str, Any], model: Model, prompt_tokens: int) -> Room:
    left = model.window_tokens - prompt_tokens
    if request["max_tokens"] <= left:
        return Room(request["max_tokens"], "max_tokens")
    return Room(left, "model_context_window_exceeded")


def compose(request: Mapping[str, Any], model: Model, wish: Wish, limit: Room) -> Reply:
    """Each step adds to the reply what it has room for; a reply that ran out of room stays as it is."""
    reply = _think(Reply(), request, model, wish, limit)
    if reply.stop_reason == "end_turn":
        reply = _speak(reply, request, model, wish, limit)
    for tool in _tools(request, wish):
        reply = _use_tool(reply, tool, model, limit)
    if wish.stop_reason:
        return replace(reply, stop_reason=wish.stop_reason)
    return reply


def _think(reply: Reply, request: Mapping[str, Any], model: Model, wish: Wish, limit: Room) -> Reply:
    thinking = request.get("thinking", {"type": "adaptive"})
    if not model.is_bound or thinking["type"] != "adaptive":
        return reply
    text = wish.thinking or ""
    if not text and thinking.get("display") == "summarized":
        text = "A simulator does not think, but it was asked to show how."
    block = {"type": "thinking", "thinking": text, "signature": sign(prefix_digest(request), text)}
    tokens = THINKING_TOKENS + tokens_of_units(units(text), model)
    if limit.tokens < tokens:
        blocks = (block,) if limit.tokens else ()
        return Reply(blocks, limit.stop_reason, None, limit.tokens, limit.tokens)
    return Reply((block,), output_tokens=tokens, thinking_tokens=tokens)


def _speak(reply: Reply, request: Mapping[str, Any], model: Model, wish: Wish, limit: Room) -> Reply:
    text, stop_sequence = _stopped(_words(request, wish), request.get("stop_sequences") or ())
    fitting = _cut(text, limit.tokens - reply.output_tokens, model)
    tokens = tokens_of_units(units(fitting), model)
    blocks = (*reply.blocks, {"type": "text", "text": fitting}) if fitting.strip() else reply.blocks
    spoken = replace(reply, blocks=blocks, output_tokens=reply.output_tokens + tokens)
    if fitting != text:
        return replace(spoken, stop_reason=limit.stop_reason)
    if stop_sequence:
        return replace(spoken, stop_reason="stop_sequence", stop_sequence=stop_sequence)
    return spoken


def _words(request: Mapping[str, Any], wish: Wish) -> str:
    text = conversation.summary(request) if wish.text is None else wish.text
    if wish.words is None:
        return text
    said = text.split()
    return " ".join([*said, *islice(cycle(_FILLER), max(wish.words - len(said), 0))][: wish.words])


def _stopped(text: str, sequences: tuple[str, ...]) -> tuple[str, str | None]:
    found = [(at, sequence) for sequence in sequences if (at := text.find(sequence)) >= 0]
    if not found:
        return text, None
    at, sequence = min(found)
    return text[:at], sequence


def _cut(text: str, most_tokens: int, model: Model) -> str:
    """As many whole words as fit."""
    kept, used = 0, 0
    for chunk in _CHUNK.finditer(text):
        used += units(chunk.group())
        if tokens_of_units(used, model) > most_tokens:
            return text[:kept]
        kept = chunk.end()
    return text


def _tools(request: Mapping[str, Any], wish: Wish) -> tuple[ToolWish, ...]:
    declared = [tool.get("name", "") for tool in request.get("tools") or ()]
    choice = request.get("tool_choice", {"type": "auto"})
    if choice["type"] == "none":
        return ()
    wished = tuple(tool for tool in wish.tools if tool.name in declared)
    if wished or choice["type"] == "auto":
        return wished
    return (ToolWish(choice.get("name", declared[0]), {}),)


def _use_tool(reply: Reply, tool: ToolWish, model: Model, limit: Room) -> Reply:
    if reply.stop_reason not in ("end_turn", "tool_use"):
        return reply
    use_id = f"toolu_sim_{secrets.token_hex(12)}"
    block = {"type": "tool_use", "id": use_id, "name": tool.name, "input": json.loads(json.dumps(tool.input))}
    tokens = reply.output_tokens + block_tokens(block, model)
    if tokens > limit.tokens:
        return replace(reply, stop_reason=limit.stop_reason)
    return replace(reply, blocks=(*reply.blocks, block), stop_reason="tool_use", output_tokens=tokens)
