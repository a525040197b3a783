"""What of a path stays: whole turns, the newest last; never half a tool pair, always the newest message."""

from __future__ import annotations

from collections.abc import Sequence

from app.context.values import Entry


def turn_starts(path: Sequence[Entry]) -> list[int]:
    """Where turns begin: at the user's messages that do more than hand in tool results."""
    return [at for at, entry in enumerate(path) if _begins_turn(entry)]


def newest_start(path: Sequence[Entry]) -> int:
    """Where the newest turn begins."""
    return next((at for at in range(len(path) - 1, -1, -1) if _begins_turn(path[at])), 0)


def first_kept(path: Sequence[Entry], sizes: Sequence[int], room_tokens: float) -> int:
    """The index from which what stands before the newest turn fits the room, at the start of a turn.

    That of the newest turn where nothing before it fits. `sizes` are the tokens of each entry.
    """
    newest = newest_start(path)
    total, kept, end = 0, newest, newest
    for start in reversed(turn_starts(path[:newest])):
        total += sum(sizes[start:end])
        if total > room_tokens:
            break
        kept, end = start, start
    return kept


def _begins_turn(entry: Entry) -> bool:
    if entry.role != "user" or entry.is_instruction:
        return False
    return any(block.get("type") != "tool_result" for block in entry.content)
