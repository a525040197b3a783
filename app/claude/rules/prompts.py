"""A request as the flat run of pieces Claude reads: tools, then system, then messages.

What is counted, cached and signed is always this run: text is one block, same roles in a row are one turn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """One block. `part` is `tools`, `system` or the role of a message; `turn` numbers merged turns from 0."""

    path: str
    part: str
    block: Block
    turn: int = -1
    starts_turn: bool = False

    @property
    def is_message(self) -> bool:
        return self.turn >= 0

    @property
    def is_cacheable(self) -> bool:
        return self.block.get("type") not in ("thinking", "redacted_thinking")


def pieces(request: Mapping[str, Any]) -> Iterator[Piece]:
    """Needs a request whose shape is right."""
    for index, tool in enumerate(request.get("tools") or ()):
        yield Piece(f"tools.{index}", "tools", tool)
    for path, block in _blocks("system", request.get("system") or ()):
        yield Piece(path, "system", block)
    yield from _message_pieces(request["messages"])


def _message_pieces(messages: Sequence[Block]) -> Iterator[Piece]:
    turn, role = -1, ""
    for index, message in enumerate(messages):
        for path, block in _blocks(f"messages.{index}.content", message["content"]):
            starts = message["role"] != role
            turn, role = turn + starts, message["role"]
            yield Piece(path, role, block, turn, starts)


def _blocks(path: str, content: str | Sequence[Block]) -> Iterator[tuple[str, Block]]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    yield from ((f"{path}.{index}", block) for index, block in enumerate(content))


def without_markers(block: Block) -> dict[str, Any]:
    """The block without `cache_control`, its own or that of blocks inside it: markers are not content."""
    bare = {name: value for name, value in block.items() if name != "cache_control"}
    if isinstance(inner := bare.get("content"), list):
        bare["content"] = [without_markers(each) for each in inner]
    if isinstance(source := bare.get("source"), dict):
        bare["source"] = without_markers(source)
    return bare


def markers(block: Block) -> Iterator[tuple[str, Block]]:
    """Each cache marker in a block and the path to it, in order: inner ones come first."""
    source = block.get("source")
    if isinstance(source, dict):
        yield from ((f"source.{path}", marker) for path, marker in markers(source))
    inner = block.get("content")
    for index, each in enumerate(inner if isinstance(inner, list) else ()):
        yield from ((f"content.{index}.{path}", marker) for path, marker in markers(each))
    if block.get("cache_control"):
        yield "cache_control", block["cache_control"]
