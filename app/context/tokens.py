"""Estimates of tokens, for text that Claude has not counted yet.

The ratios are for the newest tokenizer (docs/decisions/0006): English about 3 characters a token, Chinese
about 1.3. They lean to the high side: what is sent must fit.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Iterable
from typing import Any

from app.context.values import Block

LETTERS = re.compile(r"[A-Za-z\s]+")
WIDE = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef]")
ASTRAL = re.compile("[\U00010000-\U0010ffff]")
CHARACTERS_PER_TOKEN = 3.0
SYMBOLS_PER_TOKEN = 1.7
WIDE_PER_TOKEN = 1.25
OTHERS_PER_TOKEN = 1.6
TOKENS_PER_ASTRAL = 2.5
TOKENS_PER_MESSAGE = 6
TOKENS_PER_BLOCK = 3
PIXELS_PER_TOKEN = 750
GREATEST_IMAGE_TOKENS = 4_800
UNKNOWN_IMAGE_TOKENS = 1_600
TOKENS_PER_PDF_PAGE = 3_000
PDF_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
UNCOMPRESSED_PDF_PAGE_BYTES = 50_000


def of_text(text: str, factor: float = 1.0) -> int:
    """The estimated tokens of a text; `factor` is the model's own (1 for the newest tokenizer)."""
    others = LETTERS.sub("", text)
    symbols = sum(map(str.isascii, others)) if not others.isascii() else len(others)
    wide, astral = len(WIDE.findall(others)), len(ASTRAL.findall(others))
    rest = len(others) - symbols - wide - astral
    tokens = (len(text) - len(others)) / CHARACTERS_PER_TOKEN + symbols / SYMBOLS_PER_TOKEN
    tokens += wide / WIDE_PER_TOKEN + astral * TOKENS_PER_ASTRAL + rest / OTHERS_PER_TOKEN
    return math.ceil(tokens * factor)


def of_content(content: Iterable[Block], factor: float = 1.0) -> int:
    """The estimated tokens of one message."""
    return TOKENS_PER_MESSAGE + sum(TOKENS_PER_BLOCK + of_block(block, factor) for block in content)


def of_block(block: Block, factor: float = 1.0) -> int:
    """The estimated tokens of one content block."""
    if block.get("type") == "text":
        return of_text(str(block.get("text", "")), factor)
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "base64":
        return _of_file(source)
    if block.get("type") == "tool_result" and isinstance(block.get("content"), list):
        return of_content(block["content"], factor)
    return of_text(json.dumps(block, ensure_ascii=False), factor)


def _of_file(source: dict[str, Any]) -> int:
    try:
        raw = base64.b64decode(source.get("data", ""))
    except ValueError:
        return UNKNOWN_IMAGE_TOKENS
    if source.get("media_type") == "application/pdf":
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
