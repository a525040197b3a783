"""What became of each message, in as many runs as there are changes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.context import Entry, Plan, Summary
from app.context.receipt import FATES, Run, runs
from tests.context.talks import assembled, user

PLAN = assembled(user("Hello")).plan


def plan(first: int, last: int, recalled: list[int], pinned: list[int], upto: int | None = None) -> Plan:
    def entries(depths: list[int]) -> list[Entry]:
        return [Entry(str(depth), "user", [], depth=depth) for depth in depths]

    summary = None if upto is None else Summary("s", "Short.", upto, 5)
    return replace(
        PLAN,
        first_depth=first,
        last_depth=last,
        recalled_depths=recalled,
        pinned=entries(pinned),
        summary=summary,
    )


def test_all_is_verbatim_where_nothing_is_cut() -> None:
    assert runs(PLAN) == [Run("verbatim", 0, 0)]


def test_each_message_before_the_cut_has_its_fate() -> None:
    found = runs(plan(20, 24, recalled=[6, 7, 15], pinned=[2], upto=9))
    assert found == [
        Run("summarised", 0, 1),
        Run("pinned", 2, 2),
        Run("summarised", 3, 5),
        Run("recalled", 6, 7),
        Run("summarised", 8, 9),
        Run("left_out", 10, 14),
        Run("recalled", 15, 15),
        Run("left_out", 16, 19),
        Run("verbatim", 20, 24),
    ]


DEPTHS = st.lists(st.integers(0, 40), max_size=12, unique=True)


@given(st.integers(0, 40), st.integers(0, 5), DEPTHS, DEPTHS, st.none() | st.integers(0, 40))
def test_the_runs_cover_the_path_once_and_in_order(
    first: int, more: int, recalled: list[int], pinned: list[int], upto: int | None
) -> None:
    found = runs(plan(first, first + more, recalled, pinned, upto))
    covered = [depth for one in found for depth in range(one.first_depth, one.last_depth + 1)]
    assert covered == list(range(first + more + 1))
    assert {one.fate for one in found} <= set(FATES)
    fates = {depth: one.fate for one in found for depth in range(one.first_depth, one.last_depth + 1)}
    assert all(fates[depth] == "pinned" for depth in pinned if depth < first)
    assert all(fates[depth] == "verbatim" for depth in range(first, first + more + 1))
