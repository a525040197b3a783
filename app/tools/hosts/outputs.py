"""What a tool returned, as Claude takes it: a text or content blocks, cut to a size."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Block = Mapping[str, Any]
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")


@dataclass(frozen=True)
class Long:
    """A text of which only the beginning and the end are left."""

    head: str
    tail: str
    left_out: int

    def cut(self, most: int) -> Long:
        """With no more than so many characters left of it."""
        head, tail = self.head[: most - most // 2], self.tail[max(len(self.tail) - most // 2, 0) :]
        return Long(head, tail, self.left_out + len(self.head) - len(head) + len(self.tail) - len(tail))

    def map(self, change: Callable[[str], str]) -> Long:
        """With both parts changed."""
        return Long(change(self.head), change(self.tail), self.left_out)

    def __str__(self) -> str:
        return f"{self.head}\n[… {self.left_out:,} characters left out …]\n{self.tail}"


Output = str | Long | Sequence[Block]


def output_of(value: Any) -> Output:
    """What a tool returned. Raises TypeError or ValueError for what is neither text, blocks nor JSON."""
    if isinstance(value, Long):
        return value.map(_as_text)
    return cut_blocks(value, sys.maxsize) if _are_blocks(value) else _as_text(_dumped(value))


def cut(output: Output, most: int, image_characters: int | None = None) -> Output:
    """With no more than so many characters of text, and as many, or others, of images."""
    if isinstance(output, Long):
        return output.cut(most)
    if isinstance(output, str):
        return output if len(output) <= most else _beginning_and_end(output, most)
    return cut_blocks(output, most, image_characters)


def packed(output: Output) -> Mapping[str, Any]:
    """As it is said over the wire."""
    if isinstance(output, Long):
        return {"long": [output.head, output.tail, output.left_out]}
    return {"output": output}


def unpacked(reply: Mapping[str, Any]) -> Any:
    """What was packed, or whatever was said in its place."""
    return Long(*reply["long"]) if "long" in reply else reply["output"]


def cut_blocks(blocks: Sequence[Block], most: int, image_characters: int | None = None) -> list[Block]:
    """As `cut`; an image that has no room is said to be out, and an empty text is no block."""
    room, image_room, made = most, most if image_characters is None else image_characters, list[Block]()
    for one in blocks:
        if one["type"] == "text":
            text = _as_text(one["text"])
            made += [{"type": "text", "text": str(cut(text, room))}] if text else []
            room = max(room - len(text), 0)
        else:
            size = len(json.dumps(one))
            made.append(one if size <= image_room else _left_out(size))
            image_room = max(image_room - size, 0)
    return made


def _beginning_and_end(text: str, most: int) -> Long:
    return Long(text[: most - most // 2], text[len(text) - most // 2 :], len(text) - most)


def _left_out(size: int) -> Block:
    return {"type": "text", "text": f"[an image of {size:,} characters left out]"}


def _dumped(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _as_text(text: str) -> str:
    """Half surrogates and NUL are no text, to Claude or to databases."""
    text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode(errors="replace").decode()


def _are_blocks(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_block, value))


def _is_block(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if value.get("type") == "text":
        return isinstance(value.get("text"), str) and value.keys() == {"type", "text"}
    source = value.get("source")
    return value.get("type") == "image" and isinstance(source, dict) and _is_source(source)


def _is_source(source: Mapping[str, Any]) -> bool:
    if source.get("type") == "url":
        return isinstance(source.get("url"), str)
    is_image = source.get("type") == "base64" and source.get("media_type") in IMAGE_TYPES
    return is_image and isinstance(source.get("data"), str)
