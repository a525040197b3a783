"""How far a history grows, and to what it is cut."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from app.context.high_water import Room, marks
from app.context.tariff import Tariff

BUDGETS = st.integers(1_000, 1_000_000)
HEADS = st.integers(0, 20_000)
GROWTHS = st.floats(1, 20_000)


def test_a_cut_leaves_half_of_the_budget_head_included() -> None:
    assert Room(10_000, 1_000).kept_tokens == 4_000
    assert Room(10_000, 1_000, keep=0.3).kept_tokens == 2_000
    assert Room(10_000, 6_000).kept_tokens == 0


def test_a_large_budget_is_not_filled_where_cutting_early_is_cheaper() -> None:
    kept, high = marks(Room(1_000_000, 1_000), 500, Tariff(), "5m")
    assert kept == 499_000
    assert 500_000 < high < 600_000


def test_a_small_budget_is_filled() -> None:
    assert marks(Room(8_000), 500, Tariff(), "5m")[1] == 8_000


def test_the_high_water_mark_makes_growing_and_cutting_cost_least() -> None:
    tariff, tokens_a_request, kept = Tariff(read=0.05), 700.0, 100_000

    def cost_a_request(growth: float) -> float:
        cut = (tariff.write_1h - tariff.read) * kept + 3_000
        return cut / (growth / tokens_a_request) + tariff.read * growth / 2

    found = marks(Room(200_000 * 10, keep=0.05), tokens_a_request, tariff, "1h", 3_000)[1] - kept
    assert cost_a_request(found) <= min(cost_a_request(found * by) for by in (0.9, 0.99, 1.01, 1.1))


@given(BUDGETS, HEADS, GROWTHS, st.sampled_from(["5m", "1h"]))
def test_marks_are_within_the_budget_and_a_cut_gains_something(
    budget_tokens: int, head_tokens: int, tokens_a_request: float, ttl: str
) -> None:
    kept, high = marks(Room(budget_tokens, head_tokens), tokens_a_request, Tariff(), ttl)
    assert 0 <= kept <= budget_tokens / 2
    assert high <= budget_tokens
    assert high > head_tokens + kept or head_tokens >= budget_tokens / 2


@given(BUDGETS, GROWTHS)
def test_a_dearer_cut_comes_later(budget_tokens: int, tokens_a_request: float) -> None:
    def high(ttl: str, summary_tokens: float) -> int:
        return marks(Room(budget_tokens), tokens_a_request, Tariff(), ttl, summary_tokens)[1]

    assert high("5m", 0) <= high("1h", 0) <= high("1h", 5_000)
    assert math.isfinite(high("5m", 0))
