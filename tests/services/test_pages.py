"""Cutting pages: the one row too many says that there is more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.services.pages import Page, cut


def key(row: int) -> list[int]:
    return [row]


@given(st.lists(st.integers(), max_size=20), st.integers(1, 10))
def test_a_page_holds_at_most_its_limit_and_ends_with_its_key(rows: list[int], limit: int) -> None:
    page = cut(rows[: limit + 1], limit, key)
    assert page.rows == rows[:limit]
    assert page.next_key == ([rows[limit - 1]] if len(rows) > limit else None)


@given(st.sets(st.integers(), max_size=30), st.integers(1, 10))
def test_pages_join_to_the_whole(values: set[int], limit: int) -> None:
    left, found = sorted(values), list[int]()
    page: Page[int] = Page([], [])
    while page.next_key is not None:
        page = cut(left[: limit + 1], limit, key)
        found += page.rows
        left = left[limit:]
    assert found == sorted(values)
