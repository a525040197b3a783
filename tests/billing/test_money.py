"""Amounts as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.money import NANO_PER_USD, usd


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (2_000, "0.000002"),
        (10**9, "1"),
        (1_500_000_000, "1.5"),
        (-7, "-0.000000007"),
    ],
)
def test_an_amount_is_written_to_its_last_digit(nano_usd: int, text: str) -> None:
    assert usd(nano_usd) == text


@given(st.integers(-(10**20), 10**20))
def test_nothing_is_lost_on_the_way(nano_usd: int) -> None:
    assert Decimal(usd(nano_usd)) * NANO_PER_USD == nano_usd
