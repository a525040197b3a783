"""Texts and contents split into what tokenizers care about, and estimates of tokens by fixed rates.

The fixed rates are for the newest tokenizer and lean to the high side: English about 3 characters a token,
Chinese about 1.3. `rates` learns better ones (docs/decisions/0006).
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from app.context.values import Block

# How often there is: a word, a letter, an accented letter, a digit, a sign, a white character, a run of white
# space that is not one space, a Chinese character, a frame (what stands around a block; a message has two).
Features = tuple[float, ...]

TOKENS_PER_FRAME = 2.5
FIXED_RATES = (0.42, 0.31, 0.9, 0.5, 0.95, 0.06, 0.95, 0.8, TOKENS_PER_FRAME)
NOTHING: Features = (0.0,) * len(FIXED_RATES)
FRAMES_PER_MESSAGE = 2
OTHER_ALPHABETS, ASTRAL = 0.7, 2.8  # in accented letters
CHINESE_SIGN = 1.4  # in Chinese characters
PIXELS_PER_TOKEN = 750
GREATEST_IMAGE_TOKENS = 4_800
UNKNOWN_IMAGE_TOKENS = 1_600
TOKENS_PER_PDF_PAGE = 3_000
PDF_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
UNCOMPRESSED_PDF_PAGE_BYTES = 50_000
FILE_SOURCES = frozenset({"base64", "url", "file"})


def _table(default: str, kinds: dict[str, Iterable[int]]) -> bytes:
    """For `bytes.translate`: what each byte becomes."""
    table = bytearray(default.encode() * 256)
    for kind, those in kinds.items():
        for byte in those:
            table[byte] = ord(kind)
    return bytes(table)


# The first byte of a character in UTF-8 tells its kind; the bytes that go on are dropped.
_GOING_ON = bytes(range(0x80, 0xC0))
_KINDS = _table(
    ".",
    {
        "a": [*range(0x41, 0x5B), *range(0x61, 0x7B)],
        "0": range(0x30, 0x3A),
        "\n": range(0x20),
        " ": [0x20],
        "e": range(0xC3, 0xCA),  # Latin letters with accents
        "y": [*range(0xCA, 0xE2), 0xEE],  # other alphabets
        "c": range(0xE3, 0xEE),  # Chinese, Japanese, Korean
        "k": [0xEF],  # their wide signs
        "z": range(0xF0, 0x100),  # astral
    },
)
_WORDS = _table(" ", {"a": b"aey"})
_WHITE = _table(".", {" ": b" ", "\n": b"\n"})
_CHINESE_SIGNS = b"\xe3\x80"


def features_of_text(text: str) -> Features:
    """What a text is made of, without what stands around a block or a message."""
    encoded = text.encode("utf-8", "surrogatepass")
    kinds = encoded.translate(_KINDS, _GOING_ON)
    count = kinds.count
    words = (b" " + kinds.translate(_WORDS)).count(b" a")
    white = (b"." + kinds.translate(_WHITE)).count
    odd_runs = white(b".  ") + white(b". \n") + white(b".\n")
    accented = chinese = 0.0
    if not text.isascii():
        accented = count(b"e") + OTHER_ALPHABETS * count(b"y") + ASTRAL * count(b"z")
        chinese_signs = encoded.count(_CHINESE_SIGNS)
        chinese = count(b"c") - chinese_signs + CHINESE_SIGN * (chinese_signs + count(b"k"))
    blanks = count(b" ") + count(b"\n")
    return words, count(b"a"), accented, count(b"0"), count(b"."), blanks, odd_runs, chinese, 0


def features_of_content(content: Iterable[Block]) -> Features:
    """What one message is made of, with what stands around it and its blocks, without its files."""
    found = [features_of_block(block) for block in content]
    return added((*NOTHING[:-1], FRAMES_PER_MESSAGE + len(found)), *found)


def features_of_block(block: Block) -> Features:
    """What one content block is made of, without what stands around it; nothing for a file."""
    if block.get("type") == "text":
        return features_of_text(str(block.get("text", "")))
    if _is_file(block):
        return NOTHING
    inner = _inner(block)
    return features_of_content(inner) if inner else features_of_text(_read(block))


def added(*features: Features) -> Features:
    """What all of them have together."""
    return tuple(map(sum, zip(*features, strict=True)))


def at_rates(rates: Iterable[float], features: Features) -> float:
    """The tokens of these features, where one of each kind takes so many."""
    return sum([rate * count for rate, count in zip(rates, features, strict=True)])


def has_files(content: Iterable[Block]) -> bool:
    """Whether images or PDFs are in it, whose tokens are a guess: `count_tokens` knows them."""
    return any(_is_file(block) or has_files(_inner(block)) for block in content)


def of_files(content: Iterable[Block]) -> int:
    """The estimated tokens of the images and PDFs in it, which go by size and pages."""
    return sum(_of_file(block) if _is_file(block) else of_files(_inner(block)) for block in content)


def of_text(text: str, factor: float = 1.0) -> int:
    """The estimated tokens of a text; `factor` is the model's own (1 for the newest tokenizer)."""
    return math.ceil(at_rates(FIXED_RATES, features_of_text(text)) * factor)


def of_content(content: Sequence[Block], factor: float = 1.0) -> int:
    """The estimated tokens of one message."""
    return of_files(content) + math.ceil(at_rates(FIXED_RATES, features_of_content(content)) * factor)


def of_block(block: Block, factor: float = 1.0) -> int:
    """The estimated tokens of one content block."""
    return of_files([block]) + math.ceil(at_rates(FIXED_RATES, features_of_block(block)) * factor)


def _source(block: Block) -> dict[str, Any]:
    source = block.get("source")
    return source if isinstance(source, dict) else {}


def _is_file(block: Block) -> bool:
    return _source(block).get("type") in FILE_SOURCES


def _inner(block: Block) -> list[Block]:
    """The blocks of a tool's result, or of a document made of blocks."""
    for content in (block.get("content"), _source(block).get("content")):
        if isinstance(content, list) and all(isinstance(one, dict) for one in content):
            return content
    return []


def _read(block: Block) -> str:
    """What Claude reads of a block that is neither text nor a file."""
    match block:
        case {"type": "tool_use", "name": str(name), "input": dict(given)}:
            return f"{name} {json.dumps(given, ensure_ascii=False)}"
        case {"type": "tool_result"}:
            return str(block.get("content") or "")
        case {"type": "thinking", "thinking": str(thought)} if thought:
            return thought
        case {"type": "document", "source": {"type": "text", "data": str(text)}}:
            return "\n".join([str(block.get("title") or ""), str(block.get("context") or ""), text])
    return json.dumps(block, ensure_ascii=False)


def _of_file(block: Block) -> int:
    source = _source(block)
    try:
        raw = base64.b64decode(source.get("data", ""))
    except ValueError:
        raw = b""
    if block.get("type") == "document":
        pages = len(PDF_PAGE.findall(raw)) or 1 + len(raw) // UNCOMPRESSED_PDF_PAGE_BYTES
        return pages * TOKENS_PER_PDF_PAGE
    size = _png_size(raw)
    if size is None:
        return UNKNOWN_IMAGE_TOKENS
    return min(GREATEST_IMAGE_TOKENS, math.ceil(size[0] * size[1] / PIXELS_PER_TOKEN))


def _png_size(raw: bytes) -> tuple[int, int] | None:
    if raw[:8] != b"\x89PNG\r\n\x1a\n" or len(raw) < 24:
        return None
    width, height = struct.unpack(">II", raw[16:24])
    return width, height
