"""How many tokens something is: a stand-in for Claude's tokenizer, and the same every time.

The rule, for models from opus-4-7 on: a word is a token for each three letters begun, digits likewise;
letters of other alphabets go in twos; Chinese, Japanese and Korean make 1.3 characters a token; a sign is
one; one space is free, any other run of white space is one. Older models make 1.3 times fewer."""

import json
import math
import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from app.claude.rules.blocks import decoded
from app.claude.rules.models import Model
from app.claude.rules.prompts import Piece, without_markers

Block = Mapping[str, Any]

PIXELS_A_TOKEN = 750
UNKNOWN_IMAGE_TOKENS = 1_600
MOST_IMAGE_TOKENS = {True: 4_784, False: 1_600}
PDF_PAGE_TOKENS = 2_000
DENSITY = 1.3
OVERHEAD_TOKENS = {"tools": 10, "system": 4}
TURN_TOKENS = 4

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORDS = re.compile(
    rf"(?P<latin>[A-Za-z]+)|(?P<digits>\d+)|(?P<cjk>[{_CJK}]+)|(?P<letters>[^\W\d_{_CJK}]+)|(?P<space>\s+)|."
)
_CHARACTERS_A_UNIT = {"latin": 3.0, "digits": 3.0, "cjk": DENSITY, "letters": 2.0}
_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")


def units(text: str) -> int:
    """Tokens of a dense model. Adds up over words, so a text can be cut to a size."""
    return sum(_units_of(match.lastgroup, match.group()) for match in _WORDS.finditer(text))


def _units_of(kind: str | None, run: str) -> int:
    if kind == "space":
        return int(run != " ")
    return math.ceil(len(run) / _CHARACTERS_A_UNIT[kind]) if kind else 1


def tokens_of_units(count: int, model: Model) -> int:
    return count if model.is_dense else math.ceil(count / DENSITY)


def text_tokens(text: str, model: Model) -> int:
    return tokens_of_units(units(text), model)


def piece_tokens(piece: Piece, model: Model) -> int:
    if piece.is_message:
        return (TURN_TOKENS if piece.starts_turn else 0) + block_tokens(piece.block, model)
    if piece.part == "tools":
        return OVERHEAD_TOKENS["tools"] + _json_tokens(without_markers(piece.block), model)
    return OVERHEAD_TOKENS["system"] + block_tokens(piece.block, model)


def block_tokens(block: Block, model: Model) -> int:
    """At least one token, whatever the block."""
    match block.get("type"):
        case "text":
            found = text_tokens(block["text"], model)
        case "image":
            found = _image_tokens(block["source"], model)
        case "document":
            found = _document_tokens(block, model)
        case "tool_use":
            found = text_tokens(block["name"], model) + _json_tokens(block["input"], model)
        case "tool_result":
            found = _content_tokens(block.get("content", ""), model)
        case "thinking":
            found = text_tokens(block["thinking"], model)
        case _:
            found = _json_tokens(without_markers(block), model)
    return max(found, 1)


def _content_tokens(content: str | Iterable[Block], model: Model) -> int:
    if isinstance(content, str):
        return text_tokens(content, model)
    return sum(block_tokens(each, model) for each in content)


def _json_tokens(value: object, model: Model) -> int:
    return text_tokens(json.dumps(value, ensure_ascii=False), model)


def _document_tokens(block: Block, model: Model) -> int:
    source = block["source"]
    named = sum(text_tokens(block.get(name) or "", model) for name in ("title", "context"))
    if source["type"] == "text":
        return named + text_tokens(source["data"], model)
    if source["type"] == "content":
        return named + _content_tokens(source["content"], model)
    pages = len(_PDF_PAGE.findall(decoded(source.get("data", "")) or b""))
    return named + PDF_PAGE_TOKENS * max(pages, 1)


def _image_tokens(source: Block, model: Model) -> int:
    size = image_size(decoded(source.get("data", "")) or b"")
    if size is None:
        return UNKNOWN_IMAGE_TOKENS
    return min(math.ceil(size[0] * size[1] / PIXELS_A_TOKEN), MOST_IMAGE_TOKENS[model.is_dense])


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, from the header of a PNG, GIF or JPEG."""
    try:
        if content.startswith(b"\x89PNG"):
            return _two(">II", content, 16)
        if content.startswith(b"GIF8"):
            return _two("<HH", content, 6)
        return _jpeg_size(content) if content.startswith(b"\xff\xd8") else None
    except (struct.error, IndexError):
        return None


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    # The sizes stand in the first "start of frame" segment: C0 to CF, but C4, C8 and CC are something else.
    while not (0xC0 <= content[at + 1] <= 0xCF and content[at + 1] not in (0xC4, 0xC8, 0xCC)):
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]
    height, width = _two(">HH", content, at + 5)
    return width, height


def _two(form: str, content: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, content, at)
    return first, second
