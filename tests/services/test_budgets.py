"""Budgets: counted as charges come and go, by the calendar, exact whoever sets one meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.billing.usage import Usage
from app.errors import BudgetExhausted, Invalid, NotFound, ScopeMissing
from app.models.base import now
from app.models.budgets import Budget
from app.models.charges import Charge
from app.services import budgets, charges
from app.services.budgets import Limit, Payer, Standing
from app.services.charges import Order
from app.services.identity import Caller
from app.services.roles import granted
from app.services.transactions import reading, writing
from app.turns.reply import Reply
from tests.services.conftest import at_once

MODEL = "claude-sonnet-5-5"
USED = Usage(input_tokens=500)  # a million nano-USD at 2 USD a million tokens
COST = 1_000_000
WHOLE = Reply(usage=USED, stop_reason="end_turn", is_complete=True)


def root(caller: Caller) -> Caller:
    """The same as an admin."""
    return replace(caller, role="admin", scopes=granted("admin"))


def opened(caller: Caller, amount: int = COST) -> str:
    with writing() as session:
        return charges.open_for(
            session, Payer(caller.user_id, caller.key_id), Order("message", MODEL, "v", amount, USED)
        )


def settle(id_: str) -> None:
    with writing() as session:
        charges.settle(session, WHOLE, is_refused=False, id=id_)


def put(caller: Caller, nano_usd: int, period: str = "total", time_zone: str = "UTC") -> Standing:
    return budgets.put(root(caller), f"user:{caller.user_id}", Limit(nano_usd, period, time_zone))


def standing(caller: Caller) -> Standing:
    found = budgets.narrowest(Payer(caller.user_id, caller.key_id))
    assert found is not None
    return found


def counts(of: Standing) -> tuple[int, int, int]:
    return of.spent_nano_usd, of.reserved_nano_usd, of.remaining_nano_usd


def test_what_is_reserved_and_spent_is_taken_off(ada: Caller) -> None:
    put(ada, 10 * COST)
    id_ = opened(ada, 3 * COST)
    assert counts(standing(ada)) == (0, 3 * COST, 7 * COST)
    settle(id_)
    assert counts(standing(ada)) == (COST, 0, 9 * COST)


def test_a_budget_that_is_set_meanwhile_counts_every_charge_once(ada: Caller) -> None:
    settle(opened(ada))
    open_now = opened(ada, 3 * COST)
    assert counts(put(ada, 10 * COST)) == (COST, 3 * COST, 6 * COST)
    settle(open_now)
    assert counts(standing(ada)) == (2 * COST, 0, 8 * COST)
    assert counts(put(ada, 5 * COST, "month", "Europe/Paris")) == (2 * COST, 0, 3 * COST)


def test_the_narrowest_of_all_budgets_holds(ada: Caller, bob: Caller) -> None:
    put(ada, 10 * COST)
    budgets.put(root(ada), f"key:{ada.key_id}", Limit(2 * COST, "total", "UTC"))
    assert standing(ada).scope == f"key:{ada.key_id}"
    with pytest.raises(BudgetExhausted) as caught:
        opened(ada, 3 * COST)
    assert caught.value.about["scope"] == f"key:{ada.key_id}"
    assert budgets.narrowest(Payer(bob.user_id, bob.key_id)) is None
    with reading() as session:
        assert session.scalars(select(Charge).where(Charge.user_id == ada.user_id)).all() == []


def test_many_at_once_never_reserve_more_than_there_is(app: Flask, ada: Caller) -> None:
    put(ada, 5 * COST)
    found = at_once(app, [lambda: opened(ada)] * 12)
    assert sum(isinstance(one, str) for one in found) == 5
    assert sum(isinstance(one, BudgetExhausted) for one in found) == 7
    assert counts(standing(ada)) == (0, 5 * COST, 0)


def test_a_new_period_begins_with_nothing_spent_and_with_what_is_reserved(ada: Caller) -> None:
    put(ada, 10 * COST, "day", "Asia/Kathmandu")
    settle(opened(ada))
    open_now = opened(ada, 2 * COST)
    with writing() as session:
        session.execute(update(Budget).values(period_started_at=now() - timedelta(days=1)))
    assert counts(standing(ada)) == (0, 2 * COST, 8 * COST)
    settle(open_now)
    assert counts(standing(ada)) == (COST, 0, 9 * COST)


def test_it_says_when_it_begins_anew(ada: Caller) -> None:
    found = put(ada, COST, "month", "Asia/Kathmandu")
    assert found.resets_at is not None
    here = found.resets_at.astimezone(UTC) + timedelta(hours=5, minutes=45)
    assert (here.day, here.hour, here.minute, here.second) == (1, 0, 0, 0)
    assert datetime.now(UTC) < found.resets_at < datetime.now(UTC) + timedelta(days=32)
    assert put(ada, COST, "total").resets_at is None


@pytest.mark.parametrize("scope", ["all", "user", "key"])
def test_only_an_admin_sets_what_is_not_a_sessions(ada: Caller, scope: str) -> None:
    ids: dict[str, Any] = {"user": ada.user_id, "key": ada.key_id}
    name = f"{scope}:{ids[scope]}" if scope in ids else scope
    with pytest.raises(ScopeMissing):
        budgets.put(ada, name, Limit(1, "total", "UTC"))
    with pytest.raises(ScopeMissing):
        budgets.remove(ada, name)
    budgets.put(root(ada), name, Limit(1, "total", "UTC"))
    budgets.remove(root(ada), name)
    with pytest.raises(NotFound):
        budgets.remove(root(ada), name)


def test_what_is_no_scope_or_time_zone_is_refused(ada: Caller) -> None:
    with pytest.raises(NotFound):
        budgets.put(root(ada), "user:usr_nobody", Limit(1, "total", "UTC"))
    with pytest.raises(NotFound):
        budgets.put(root(ada), "nonsense", Limit(1, "total", "UTC"))
    with pytest.raises(Invalid):
        budgets.put(root(ada), "all", Limit(1, "day", "Europe/Atlantis"))
