"""Which blocks of a stored message go to Claude, and in which form."""

from __future__ import annotations

from typing import Any

from app.claude import rules
from app.claude.rules.blocks import SERVER_RESULTS
from app.context.values import Block

THINKING = frozenset({"thinking", "redacted_thinking"})
USES = frozenset({"tool_use", "server_tool_use"})
RESULTS = SERVER_RESULTS | {"tool_result"}
PLAIN = {"text": {"type", "text"}, "thinking": {"type", "thinking", "signature"}}


def taken(role: str, block: Block) -> Block | None:
    """The block without cache markers; None for blank text and for what Claude wrote and does not take.

    What a person sends was looked at when it came. Claude's own blocks may be newer than the rules.
    """
    bare = unmarked(block)
    kind = str(bare.get("type"))
    if kind == "text" and not str(bare.get("text", "")).strip():
        return None
    if role == "user" or PLAIN.get(kind) == set(bare) or not rules.content_violations(role, [dict(bare)]):
        return bare
    return {"type": "text", "text": str(bare["text"])} if kind == "text" else None


def unmarked(block: Block) -> Block:
    """The block without cache markers, its own and those inside it: where to cache is decided here."""
    found: dict[str, Any] = {}
    for name, value in block.items():
        if name == "content" and isinstance(value, list):
            found[name] = [unmarked(one) if isinstance(one, dict) else one for one in value]
        elif name == "source" and isinstance(value, dict):
            found[name] = unmarked(value)
        elif name != "cache_control":
            found[name] = value
    return block if found == block else found


def pair_key(block: Block) -> tuple[str, str] | None:
    """Tool calls, and results, of one id: each may stand in a conversation once."""
    kind = str(block.get("type"))
    if kind in USES:
        return "use", str(block.get("id"))
    if kind in RESULTS:
        return "result", str(block.get("tool_use_id"))
    return None
