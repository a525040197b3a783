"""Rendering a path on which nothing has to be mended, as nearly always: what `rendering` does, quicker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.context import rendering
from app.context.rendering import Digest, Transcript
from app.context.values import Ask, Block, Entry

NOT_PLAIN = -1


def render(path: Sequence[Entry], ask: Ask) -> Transcript:
    """The messages for a path, whatever is on it."""
    return _rendered(path, ask) or rendering.render(path, ask)


def _rendered(path: Sequence[Entry], ask: Ask) -> Transcript | None:
    """None where the path has more than text and thinking, or where the sides don't take turns."""
    digest, ends, thinking_ids = Digest(ask), dict[int, tuple[int, int]](), list[str]()
    messages: list[dict[str, Any]] = []
    before = "assistant"
    for entry in path:
        thoughts = leading_thoughts(entry)
        if thoughts == NOT_PLAIN or entry.role == before == "assistant":
            return None
        if entry.role == before:
            messages[-1] = {"role": before, "content": [*messages[-1]["content"], *entry.content]}
        else:
            if messages:
                digest.add(messages[-1])
            is_bound = thoughts > 0 and entry.bound_to == digest.value
            thinking_ids += [entry.id] * is_bound
            content = entry.content if is_bound else entry.content[thoughts:]
            messages.append({"role": entry.role, "content": list(content)})
            before = entry.role
        ends[entry.depth] = (len(messages) - 1, len(messages[-1]["content"]) - 1)
    if messages:
        digest.add(messages[-1])
    return Transcript(messages, digest.value, tuple(thinking_ids), ends)


def is_plain(entry: Entry) -> bool:
    """Whether it has text and thinking alone."""
    return leading_thoughts(entry) != NOT_PLAIN


def leading_thoughts(entry: Entry) -> int:
    """How many blocks of thinking stand before its text; NOT_PLAIN where that is not all there is."""
    content = entry.content
    at = 0
    if len(content) == 1 and _is_text(content[0]):
        return 0
    while entry.role == "assistant" and at < len(content) and _is_thought(content[at]):
        at += 1
    if at == len(content):
        return NOT_PLAIN
    return at if all(_is_text(block) for block in content[at:]) else NOT_PLAIN


def _is_text(block: Block) -> bool:
    return len(block) == 2 and block["type"] == "text" and bool(block["text"]) and not block["text"].isspace()


def _is_thought(block: Block) -> bool:
    return (
        block["type"] == "thinking"
        and len(block) == 3
        and bool(block.get("signature"))
        and "thinking" in block
    )
