"""HTTP's chunks, however the network cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claude.chunks import LONGEST_LINE, Chunks, Garbled

END = b"0\r\n\r\n"
AFTER = b"HTTP/1.1 200"


def in_chunks(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(1, 30), max_size=40))
def test_what_the_chunks_hold_comes_out_however_it_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    raw, chunks, found = in_chunks(pieces) + END, Chunks(), b""
    for cut in cuts:
        found += chunks.take(raw[:cut])
        raw = raw[cut:]
    found += chunks.take(raw + AFTER)
    assert (found, chunks.is_over, chunks.rest) == (b"".join(pieces), True, AFTER)


def test_extensions_and_trailers_are_read_and_left() -> None:
    chunks = Chunks()
    assert chunks.take(b"2;a=b\r\nHi\r\n4 \r\n you\r\n0\r\nX-Sum: 1\r\n\r\n") == b"Hi you"
    assert chunks.is_over


@pytest.mark.parametrize(
    "raw",
    [
        b"Hello\r\n",
        b"\r\n",
        b"-1\r\n",
        b"0x2\r\nHi\r\n",
        b"+2\r\nHi\r\n",
        b"2\r\nHi!\r\n",
        b"f" * 16 + b"\r\n",
        b"2" * (LONGEST_LINE + 1),
    ],
)
def test_what_is_no_chunk_is_refused(raw: bytes) -> None:
    with pytest.raises(Garbled):
        Chunks().take(raw)
