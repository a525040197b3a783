"""What tools return, as Claude takes it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tools.hosts.outputs import Long, cut, output_of

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


def text(of: str) -> dict[str, Any]:
    return {"type": "text", "text": of}


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("Hello", "Hello"),
        ("", ""),
        (None, ""),
        (3, "3"),
        (False, "false"),
        ({"a": [1, "ä"]}, '{"a": [1, "ä"]}'),
        ([], "[]"),
        (["a"], '["a"]'),
        ([text("Hello"), IMAGE], [text("Hello"), IMAGE]),
        ([text(""), IMAGE], [IMAGE]),
        ([{"type": "text"}], '[{"type": "text"}]'),
        ([text("a"), {"type": "tool_use"}], '[{"type": "text", "text": "a"}, {"type": "tool_use"}]'),
        ([{"type": "image", "source": {"type": "file"}}], '[{"type": "image", "source": {"type": "file"}}]'),
        ("half \ud800 and \0", "half ? and \ufffd"),
        ([text("\ud800")], [text("?")]),
    ],
)
def test_text_blocks_or_json(value: Any, output: Any) -> None:
    assert output_of(value) == output


@pytest.mark.parametrize("value", [object(), {1, 2}, {(1, 2): 3}, b"bytes", [text("a"), object()]])
def test_what_is_none_of_them_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        output_of(value)


def test_a_long_text_keeps_its_beginning_and_end_and_says_how_much_is_missing() -> None:
    found = cut("a" * 50 + "b" * 1_000_000 + "c" * 50, 100)
    assert str(found) == f"{'a' * 50}\n[… 1,000,000 characters left out …]\n{'c' * 50}"
    assert cut("short", 5) == "short"
    assert str(cut("longer", 1)) == "l\n[… 5 characters left out …]\n"


@given(st.text(max_size=60), st.integers(0, 50), st.integers(0, 50))
def test_cutting_twice_is_cutting_to_the_less_and_counts_all(of: str, one: int, other: int) -> None:
    once, twice = cut(of, min(one, other)), cut(cut(of, max(one, other)), min(one, other))
    assert str(once) == str(twice)
    if isinstance(twice, Long):
        assert len(twice.head) + len(twice.tail) + twice.left_out == len(of)


def test_blocks_share_the_room_and_images_have_their_own() -> None:
    blocks = [text("a" * 10), IMAGE, text("b" * 10), text("c")]
    assert cut(blocks, 15, image_characters=1_000) == [
        text("a" * 10),
        IMAGE,
        text("bbb\n[… 5 characters left out …]\nbb"),
        text("\n[… 1 characters left out …]\n"),
    ]
    assert cut([IMAGE], 15) == [text("[an image of 98 characters left out]")]


def test_what_was_cut_already_stays_so() -> None:
    assert output_of(Long("a\ud800", "b", 7)) == Long("a?", "b", 7)
