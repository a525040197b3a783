"""Texts are split by kind, and estimates lean to the high side of the measured ratios."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import tokens

ENGLISH = "The quick brown fox jumps over the lazy dog and runs away. " * 20
CHINESE = "人人生而自由在尊严和权利上一律平等" * 20
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}


def _png(width: int, height: int) -> dict[str, Any]:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(head).decode()}
    return {"type": "image", "source": source}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(("text", "characters_per_token"), [(ENGLISH, 3.0), (CHINESE, 1.33)])
def test_the_ratio_is_the_measured_one(text: str, characters_per_token: float) -> None:
    ratio = len(text) / tokens.of_text(text)
    assert characters_per_token * 0.85 < ratio <= characters_per_token * 1.02


def test_older_tokenizers_make_fewer() -> None:
    assert tokens.of_text(ENGLISH, 1 / 1.3) < tokens.of_text(ENGLISH)


def test_nothing_is_nothing_and_more_text_is_more() -> None:
    assert tokens.of_text("") == 0
    assert tokens.features_of_text("") == tokens.NOTHING
    assert tokens.of_text("ab 🎈") > tokens.of_text("ab")


@pytest.mark.parametrize(
    ("text", "features"),  # words, letters, accented, digits, signs, white, runs of white, Chinese
    [
        ("Hello, world!", (2, 10, 0, 0, 2, 1, 0, 0)),
        ("a\n    b  c\n\n", (3, 3, 0, 0, 0, 9, 3, 0)),
        ("x1 = 20_000", (1, 1, 0, 6, 2, 2, 0, 0)),
        ("L'été à Caen", (4, 6, 3, 0, 1, 2, 0, 0)),
        ("你好\uff0c世界。", (0, 0, 0, 0, 0, 0, 0, pytest.approx(4 + 2 * 1.4))),
        ("да", (1, 0, pytest.approx(2 * 0.7), 0, 0, 0, 0, 0)),
        ("🎈 — “a”", (1, 1, 2.8, 0, 3, 2, 0, 0)),
    ],
)
def test_a_text_is_split_by_kind(text: str, features: tokens.Features) -> None:
    assert tokens.features_of_text(text) == (*features, 0)


@given(st.text())
def test_every_character_is_of_a_kind(text: str) -> None:
    assert all(count >= 0 for count in tokens.features_of_text(text))
    assert bool(text) == any(tokens.features_of_text(text))


def test_half_a_pair_is_no_fault() -> None:
    assert tokens.of_text("\ud83c") > 0


def test_what_stands_around_messages_and_blocks_counts() -> None:
    assert tokens.features_of_content([]) == (*tokens.NOTHING[:-1], 2)
    assert tokens.features_of_content([_text("a"), _text("b")]) == (2, 2, *tokens.NOTHING[2:-1], 4)
    assert tokens.of_content([_text("")]) == 8


def test_features_add_up() -> None:
    one, two = tokens.features_of_text("One 1. "), tokens.features_of_text("Deux.\n")
    assert tokens.added(one, two) == tokens.features_of_text("One 1. Deux.\n")
    assert tokens.added(one) == one


@pytest.mark.parametrize(
    ("block", "read"),
    [
        ({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": 1}}, 'look {"a": 1}'),
        ({"type": "tool_result", "tool_use_id": "toolu_1", "content": "It\nrains."}, "It\nrains."),
        ({"type": "tool_result", "tool_use_id": "toolu_1"}, ""),
        ({"type": "thinking", "thinking": "Well.", "signature": "abcd"}, "Well."),
        (
            {"type": "document", "title": "T", "source": {"type": "text", "data": "It\nrains."}},
            "T\n\nIt\nrains.",
        ),
        ({"type": "new", "what": "é"}, json.dumps({"type": "new", "what": "é"}, ensure_ascii=False)),
    ],
)
def test_of_a_block_what_claude_reads_is_counted(block: dict[str, Any], read: str) -> None:
    assert tokens.features_of_block(block) == tokens.features_of_text(read)


def test_files_are_counted_by_size_and_pages() -> None:
    pdf = {"type": "document", "source": PDF}
    assert tokens.of_block(_png(1500, 1000)) == 2_000
    assert tokens.of_block(_png(9000, 9000)) == tokens.GREATEST_IMAGE_TOKENS
    assert tokens.of_block(pdf) == tokens.TOKENS_PER_PDF_PAGE
    assert tokens.of_block({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}) == 1_600
    assert tokens.of_block({"type": "image", "source": {"type": "base64", "data": "?"}}) == 1_600
    assert tokens.of_content([pdf, _text("")]) == tokens.TOKENS_PER_PDF_PAGE + 10


def test_files_are_found_inside_results_and_documents_too() -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [_text("a"), _png(750, 10)]}
    document = {"type": "document", "source": {"type": "content", "content": [_png(750, 10)]}}
    plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}
    for content in ([result], [document], [_text("a"), _png(750, 10)]):
        assert tokens.has_files(content)
        assert tokens.of_files(content) == 10
    assert not tokens.has_files([_text("a"), plain, {**result, "content": "a"}])
    assert tokens.of_files([_text("a"), plain]) == 0


def test_a_file_is_no_text() -> None:
    assert tokens.features_of_block(_png(750, 10)) == tokens.NOTHING
