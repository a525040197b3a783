"""Estimates lean to the high side of the measured ratios."""

from __future__ import annotations

import base64
import struct

import pytest

from app.context import tokens

ENGLISH = "The quick brown fox jumps over the lazy dog and runs away. " * 20
CHINESE = "人人生而自由在尊严和权利上一律平等" * 20


@pytest.mark.parametrize(("text", "characters_per_token"), [(ENGLISH, 3.0), (CHINESE, 1.33)])
def test_the_ratio_is_the_measured_one(text: str, characters_per_token: float) -> None:
    ratio = len(text) / tokens.of_text(text)
    assert characters_per_token * 0.85 < ratio <= characters_per_token * 1.02


def test_older_tokenizers_make_fewer() -> None:
    assert tokens.of_text(ENGLISH, 1 / 1.3) < tokens.of_text(ENGLISH)


def test_nothing_is_nothing_and_more_text_is_more() -> None:
    assert tokens.of_text("") == 0
    assert tokens.of_text("ab 🎈") > tokens.of_text("ab")


def test_files_are_counted_by_size_and_pages() -> None:
    png = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _png(1500, 1000)}}
    pdf = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
    }
    assert tokens.of_block(png) == 2_000
    assert tokens.of_block(pdf) == tokens.TOKENS_PER_PDF_PAGE


def _png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return base64.b64encode(head).decode()
