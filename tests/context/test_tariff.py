"""Prices of the prompt cache."""

from __future__ import annotations

import pytest

from app.context.tariff import Tariff


@pytest.mark.parametrize(("ttl", "price"), [("5m", 1.25), ("1h", 2.0)])
def test_an_hour_costs_more_than_five_minutes(ttl: str, price: float) -> None:
    assert Tariff().write(ttl) == price
