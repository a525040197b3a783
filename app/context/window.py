"""What of a path fits: whole turns, the newest first; never half a tool pair, always the newest message."""

from __future__ import annotations

from collections.abc import Sequence

from app.context.values import Entry


def turn_starts(path: Sequence[Entry]) -> list[int]:
    """Where turns begin: at the user's messages that do more than hand in tool results."""
    return [at for at, entry in enumerate(path) if _begins_turn(entry)]


def first_kept(path: Sequence[Entry], sizes: Sequence[int], room_tokens: int) -> int:
    """The index from which the path fits the room, at the start of a turn: the newest turn's where none fits.

    `sizes` are the tokens of each entry.
    """
    starts = turn_starts(path) or [0]
    total, kept, end = 0, starts[-1], len(path)
    for start in reversed(starts):
        total += sum(sizes[start:end])
        if total > room_tokens:
            break
        kept, end = start, start
    return kept


def _begins_turn(entry: Entry) -> bool:
    says_something = any(block.get("type") != "tool_result" for block in entry.content)
    return entry.role == "user" and says_something and not entry.is_instruction
