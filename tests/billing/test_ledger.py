"""Double entry: nothing is made or lost on the way from the budget to what is spent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.billing.ledger import KINDS, Movement, balances, release, reservation, settlement

AMOUNTS = st.integers(0, 10**15)


@given(AMOUNTS, AMOUNTS)
def test_after_a_call_all_that_was_reserved_is_spent_or_free_again(reserved: int, cost: int) -> None:
    found = balances([*reservation(reserved), *settlement(reserved, cost)])
    assert found == {"budget": -cost, "reserved": 0, "spent": cost}


@given(AMOUNTS)
def test_what_was_not_used_is_free_again(reserved: int) -> None:
    assert set(balances([*reservation(reserved), *release(reserved)]).values()) == {0}


@given(st.lists(st.builds(Movement, st.sampled_from(KINDS), AMOUNTS)))
def test_the_accounts_always_add_up_to_nothing(movements: list[Movement]) -> None:
    assert sum(balances(movements).values()) == 0


def test_a_call_that_cost_what_was_reserved_has_two_movements() -> None:
    assert [one.kind for one in (*reservation(5), *settlement(5, 5))] == ["reserve", "settle"]
    assert [(one.kind, one.amount_nano_usd) for one in settlement(5, 3)] == [("settle", 3), ("release", 2)]
    assert [(one.kind, one.amount_nano_usd) for one in settlement(5, 9)] == [("settle", 5), ("adjust", 4)]
