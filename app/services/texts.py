"""The text of content, as it is read and searched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

INDEXED_CHARACTERS = 250_000


def plain_text(content: Iterable[dict[str, Any]]) -> str:
    """The text of a message, its text blocks one below the other."""
    return "\n".join(str(block.get("text", "")) for block in content if block.get("type") == "text")


def searchable(content: Sequence[dict[str, Any]]) -> str:
    """What of a message goes into the index: its beginning, without what databases take for no text."""
    text = plain_text(content).replace("\0", "")[:INDEXED_CHARACTERS]
    return text if text.isascii() else text.encode(errors="replace").decode()
