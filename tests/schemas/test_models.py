"""Money as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.money import usd


@pytest.mark.parametrize(
    ("nano", "text"), [(0, "0"), (2_000, "0.000002"), (1_000_000_000, "1"), (1_500_000_001, "1.500000001")]
)
def test_nano_usd_as_a_decimal(nano: int, text: str) -> None:
    assert usd(nano) == text


@given(st.integers(0, 10**15))
def test_no_nano_is_lost(nano: int) -> None:
    assert Decimal(usd(nano)) * 10**9 == nano
