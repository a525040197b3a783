"""The text of content, as it is read and searched."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.services.texts import INDEXED_CHARACTERS, plain_text, searchable

BLOCKS = st.lists(
    st.text().map(lambda text: {"type": "text", "text": text})
    | st.text().map(lambda text: {"type": "thinking", "thinking": text, "text": text})
)


@given(BLOCKS)
def test_only_text_blocks_are_read_and_in_their_order(content: list[dict[str, Any]]) -> None:
    assert plain_text(content) == "\n".join(one["text"] for one in content if one["type"] == "text")
    assert "\0" not in searchable(content)


def test_what_has_no_text_has_none() -> None:
    assert plain_text([]) == plain_text([{"type": "image"}, {"type": "text"}]) == ""


def test_the_index_gets_the_beginning_of_what_is_long() -> None:
    long = [{"type": "text", "text": "\0" * 9 + "a" * INDEXED_CHARACTERS + "b"}]
    assert searchable(long) == "a" * INDEXED_CHARACTERS
