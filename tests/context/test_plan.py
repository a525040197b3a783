"""Where a prompt's tokens come from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.context import Sources

SOURCES = st.builds(Sources, *[st.integers(0, 10_000)] * 7)


@given(SOURCES, st.integers(0, 200_000))
def test_what_claude_counts_more_or_less_is_the_new_messages(sources: Sources, tokens: int) -> None:
    exact = sources.counted(tokens)
    assert exact.total == tokens
    assert exact.new >= 0
    others = sources.total - sources.new
    assert tokens < others or exact == Sources(**{**vars(sources), "new": tokens - others})


def test_the_whole_is_the_sum_of_its_sources() -> None:
    assert Sources(1, 2, 3, 4, 5, 6, 7).total == 28
