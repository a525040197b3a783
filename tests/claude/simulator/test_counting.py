"""The counting rule."""

import base64
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.claude.rules.models import Model, find
from app.claude.rules.prompts import Piece
from app.claude.simulator.counting import block_tokens, image_size, piece_tokens, text_tokens, units

ENGLISH = (
    "The history of a conversation is sent along with every new message, and so it grows from turn to turn "
    "until it no longer fits. What should be left out then is a question of price as much as of memory."
)


def model(name: str = "claude-opus-5-5") -> Model:
    found = find(name)
    assert found
    return found


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("abc", 1),
        ("abcd", 2),
        ("abc abc", 2),
        ("a\n\nb", 3),
        ("a  b", 3),
        ("1234", 2),
        ("!?", 2),
        ("привет", 3),
        ("你好世界你好世界你好世界你", 10),
        ("👋", 1),
    ],
)
def test_the_rule_by_example(text: str, tokens: int) -> None:
    assert units(text) == tokens


def test_english_has_about_three_characters_a_token() -> None:
    assert 2.5 < len(ENGLISH) / text_tokens(ENGLISH, model()) < 3.5


def test_older_models_make_a_third_fewer() -> None:
    ratio = text_tokens(ENGLISH, model()) / text_tokens(ENGLISH, model("claude-sonnet-4-5"))
    assert 1.2 < ratio < 1.35


@settings(deadline=None)
@given(st.lists(st.text(alphabet="abc1!é你", min_size=1), max_size=5))
def test_units_add_up_over_words(words: list[str]) -> None:
    assert units(" ".join(words)) == sum(units(word) for word in words)


@settings(deadline=None)
@given(st.text())
def test_any_text_has_a_size(text: str) -> None:
    assert 0 <= units(text) <= len(text)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", width, height)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height)


def jpeg(width: int, height: int) -> bytes:
    app0 = b"\xff\xe0" + struct.pack(">H", 4) + b"\0\0"
    return b"\xff\xd8" + app0 + b"\xff\xc0" + struct.pack(">HBHH", 11, 8, height, width)


@pytest.mark.parametrize("make", [png, gif, jpeg])
def test_the_size_of_an_image_is_in_its_header(make: Any) -> None:
    assert image_size(make(640, 480)) == (640, 480)


@pytest.mark.parametrize("content", [b"", b"RIFF", png(1, 1)[:18], b"\xff\xd8", b"\xff\xd8\xff\xe0\0\0"])
def test_a_header_that_says_nothing_is_no_size(content: bytes) -> None:
    assert image_size(content[:20]) is None


def image(content: bytes) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(content).decode()}
    return {"type": "image", "source": source}


def test_an_image_is_counted_by_its_pixels_up_to_a_limit() -> None:
    assert block_tokens(image(png(750, 100)), model()) == 100
    assert block_tokens(image(png(9_000, 9_000)), model()) == 4_784
    assert block_tokens(image(png(9_000, 9_000)), model("claude-sonnet-4-5")) == 1_600
    url = {"type": "image", "source": {"type": "url", "url": "https://a.b/c.png"}}
    assert block_tokens(url, model()) == 1_600


def test_a_pdf_is_counted_by_its_pages() -> None:
    pages = b"%PDF-1.7 /Type /Pages /Type /Page /Type/Page "
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(pages).decode()}
    assert block_tokens({"type": "document", "source": source}, model()) == 4_000
    linked = {"type": "document", "title": "abc", "source": {"type": "url", "url": "https://a.b/c.pdf"}}
    assert block_tokens(linked, model()) == 2_001


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        ({"type": "text", "text": "abc"}, 1),
        ({"type": "document", "source": {"type": "text", "data": "abc abc"}}, 2),
        ({"type": "document", "source": {"type": "content", "content": "abc"}}, 1),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a b"}]}},
            2,
        ),
        ({"type": "tool_use", "name": "add", "input": {}}, 3),
        ({"type": "tool_result", "tool_use_id": "t", "content": "abc"}, 1),
        ({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "a b c"}]}, 3),
        ({"type": "tool_result", "tool_use_id": "t"}, 1),
        ({"type": "thinking", "thinking": "", "signature": "s"}, 1),
    ],
)
def test_each_block_has_its_size(block: dict[str, Any], tokens: int) -> None:
    assert block_tokens(block, model()) == tokens


def test_other_blocks_are_counted_as_json() -> None:
    assert block_tokens({"type": "redacted_thinking", "data": "abcabc"}, model()) > 2


def test_turns_tools_and_system_cost_a_little_more() -> None:
    block = {"type": "text", "text": "abc"}
    assert piece_tokens(Piece("p", "user", block, turn=0, starts_turn=True), model()) == 5
    assert piece_tokens(Piece("p", "user", block, turn=0), model()) == 1
    assert piece_tokens(Piece("p", "system", block), model()) == 5
    assert piece_tokens(Piece("p", "tools", {"name": "a"}), model()) > 10


def test_markers_cost_nothing() -> None:
    tool = {"name": "a", "input_schema": {"type": "object"}}
    marked = {**tool, "cache_control": {"type": "ephemeral"}}
    assert piece_tokens(Piece("p", "tools", marked), model()) == piece_tokens(
        Piece("p", "tools", tool), model()
    )
