"""Events as bytes, however the network cuts them, and however lines end."""

from __future__ import annotations

import pytest
from anthropic import Stream
from httpx2 import ByteStream, Response
from hypothesis import given
from hypothesis import strategies as st

from app.claude.frames import Frame, split

PIECES = st.lists(
    st.sampled_from(
        [b"event: ping", b"data: {}", b"data:x", b"data: ", b"event:", b": hi", b"id: 1", b"\xc3\xa4", b""]
    ),
    max_size=12,
)


def by_the_package(raw: bytes) -> list[Frame]:
    """What the `anthropic` package makes of it, without events that have no data."""
    found = Stream.raw_events(Response(200, stream=ByteStream(raw)))
    return [(one.event, one.data) for one in found if one.data]


def cut(raw: bytes, cuts: list[int]) -> list[bytes]:
    chunks = []
    for length in cuts:
        chunks.append(raw[:length])
        raw = raw[length:]
    return [*chunks, raw]


@given(PIECES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(1, 9), max_size=40))
def test_events_are_those_that_the_package_finds(lines: list[bytes], end: bytes, cuts: list[int]) -> None:
    raw = end.join([*lines, b"", b""])
    assert list(split(cut(raw, cuts))) == by_the_package(raw)


def test_an_event_that_no_empty_line_ends_is_none() -> None:
    assert list(split([b"event: a\ndata: 1\n\n", b"event: b\ndata: 2\n"])) == [("a", "1")]


def test_what_is_no_text_is_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(split([b"event: a\ndata: \xff\n\n"]))
