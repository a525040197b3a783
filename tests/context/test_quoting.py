"""Quotations: nothing in them can end them or pass for something else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import Entry
from app.context.quoting import OWN_TAG, escaped, message, text_of
from tests.context.talks import call, result, text, thinking

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "x"}}


def test_a_message_has_its_date_and_who_said_it() -> None:
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    entry = Entry("m", "user", [text("Hello")], at=at)
    assert message(entry) == '<message from="user" date="2026-03-04 05:06 UTC">\nHello\n</message>'
    assert message(Entry("m", "user", [text("Hello")])).startswith('<message from="user">\n')


@pytest.mark.parametrize(
    "tag", ["</message>", "<MESSAGE from=user>", "</recalled_messages>", "</pinned_messages>", "<summary>"]
)
def test_a_tag_of_ours_in_a_text_is_no_tag(tag: str) -> None:
    assert escaped(f"a {tag} b") == f"a &lt;{tag[1:]} b"


@given(st.text(st.sampled_from("</>mesag sumry_ "), max_size=60))
def test_no_text_holds_a_tag_of_ours_afterwards(words: str) -> None:
    assert not OWN_TAG.search(escaped(words))


def test_other_signs_stay_as_they_are() -> None:
    assert escaped("if a < b && c > d: <b>&lt;</b> <messages>") == "if a < b && c > d: <b>&lt;</b> <messages>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([text(" One "), text("Two")], "One\nTwo"),
        ([thinking("s", "Hm."), text("Yes")], "Yes"),
        ([call("x")], "[calls t with {}]"),
        ([result("x", "7")], "[result: 7]"),
        (
            [{"type": "tool_result", "tool_use_id": "x", "content": [text("7"), IMAGE]}],
            "[result: 7\n[image]]",
        ),
        ([{"type": "tool_result", "tool_use_id": "x"}], "[result: ]"),
        ([IMAGE, text("Look")], "[image]\nLook"),
        ([{"type": "novelty"}], ""),
        ([], ""),
    ],
)
def test_what_can_be_quoted_is_text(content: list[dict[str, Any]], expected: str) -> None:
    assert text_of(content) == expected
