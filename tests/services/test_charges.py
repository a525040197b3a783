"""Charges: reserved before a call, settled after it, in its transaction or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from app.billing.costs import cost_nano_usd
from app.billing.usage import Usage
from app.models.base import now
from app.models.calls import Call
from app.models.charges import Charge
from app.models.ledger import LedgerEntry
from app.services import charges, prices
from app.services.budgets import Payer
from app.services.charges import Order
from app.services.identity import Caller
from app.services.transactions import reading, writing
from app.turns.reply import Reply

MODEL = "claude-sonnet-5-5"
FORECAST = Usage(1_000, 5_000, 200)
ORDER = Order("message", MODEL, "v", 10**9, FORECAST)
USED = Usage(900, 5_000, 210, 0, 50)
WHOLE = Reply(usage=USED, stop_reason="end_turn", is_complete=True)


def cost(used: Usage) -> int:
    return cost_nano_usd(prices.needed(MODEL), used)


def opened(caller: Caller, order: Order = ORDER) -> str:
    with writing() as session:
        return charges.open_for(session, Payer(caller.user_id, caller.key_id), order)


def settled(id_: str, came: Reply, *, is_refused: bool = False) -> Charge | None:
    with writing() as session:
        return charges.settle(session, came, is_refused=is_refused, id=id_)


def entries(id_: str) -> list[tuple[str, int]]:
    with reading() as session:
        found = select(LedgerEntry.kind, LedgerEntry.amount_nano_usd).where(LedgerEntry.charge_id == id_)
        return [(kind, amount) for kind, amount in session.execute(found.order_by(LedgerEntry.id))]


def test_a_call_that_claude_has_counted_costs_what_it_says(ada: Caller) -> None:
    id_ = opened(ada)
    charge = settled(id_, WHOLE)
    assert charge is not None
    assert (charge.status, charge.cost_nano_usd, charge.is_estimated) == ("settled", cost(USED), False)
    assert charges.usage_of(charge) == USED
    kinds = [("reserve", 10**9), ("settle", cost(USED)), ("release", 10**9 - cost(USED))]
    assert sorted(entries(id_)) == sorted(kinds)
    assert settled(id_, WHOLE) is None, "once"


def test_what_broke_off_is_estimated_where_nobody_counted_it(ada: Caller) -> None:
    said = [{"type": "text", "text": "word " * 200}]
    cut = settled(opened(ada), Reply(content=said, usage=replace(USED, output_tokens=1)))
    assert cut is not None
    assert cut.is_estimated
    assert (cut.output_tokens or 0) > 200
    assert cut.input_tokens == USED.input_tokens, "what was reported stands"
    unheard = settled(opened(ada), Reply())
    assert unheard is not None
    assert (unheard.is_estimated, unheard.cost_nano_usd) == (True, cost(FORECAST))


def test_what_claude_refused_costs_nothing(ada: Caller) -> None:
    id_ = opened(ada)
    charge = settled(id_, Reply(), is_refused=True)
    assert charge is not None
    assert (charge.status, charge.cost_nano_usd) == ("released", 0)
    assert entries(id_)[-1] == ("release", 10**9)
    failed = settled(opened(ada), Reply(usage=USED), is_refused=True)
    assert failed is not None
    assert failed.status == "settled", "it had begun"


def test_what_costs_more_than_was_reserved_is_adjusted(ada: Caller) -> None:
    id_ = opened(ada, replace(ORDER, greatest_nano_usd=1_000))
    settled(id_, WHOLE)
    assert sorted(entries(id_)) == sorted(
        [("reserve", 1_000), ("settle", 1_000), ("adjust", cost(USED) - 1_000)]
    )


def test_less_from_the_cache_than_foreseen_has_a_reason(ada: Caller) -> None:
    missed = replace(WHOLE, usage=replace(USED, cache_read_tokens=0))
    said = {"type": "messages_changed", "cache_missed_input_tokens": 5_000}
    told = settled(opened(ada), replace(missed, cache_miss_reason=said))
    untold, hit = settled(opened(ada), missed), settled(opened(ada), WHOLE)
    assert told is not None
    assert untold is not None
    assert hit is not None
    assert told.cache_miss_reason == said
    assert untold.cache_miss_reason == {"type": "unknown", "cache_missed_input_tokens": 5_000}
    assert hit.cache_miss_reason is None


def test_what_a_dead_process_left_open_is_settled_and_what_lives_is_not(ada: Caller) -> None:
    left = opened(ada)
    with writing() as session:
        call = Call(user_id=ada.user_id, purpose="summary", model=MODEL, status="running", holder="x")
        session.add(call)
        session.flush()
        living = charges.open_for(session, Payer(ada.user_id), ORDER, call_id=call.id)
    assert charges.recover() == 0, "both have only begun"
    assert charges.recover(timedelta(0)) == 1
    assert entries(left)[1][0] == "settle"
    with writing() as session:
        session.execute(update(Call).values(status="failed"))
    assert charges.recover(timedelta(0)) == 1
    assert settled(living, WHOLE) is None


def test_a_price_that_is_gone_at_the_end_leaves_what_was_reserved(ada: Caller) -> None:
    charge = settled(opened(ada, replace(ORDER, model="somebody-elses")), WHOLE)
    assert charge is not None
    assert (charge.cost_nano_usd, charge.is_estimated) == (10**9, True)


def test_nobody_changes_the_ledger(ada: Caller) -> None:
    opened(ada)
    for statement in (update(LedgerEntry).values(amount_nano_usd=1), delete(LedgerEntry)):
        with pytest.raises(DatabaseError, match="append-only"), writing() as session:
            session.execute(statement)
    with reading() as session:
        assert session.scalar(text("SELECT count(*) FROM ledger_entries WHERE amount_nano_usd = 1")) == 0


def test_a_charge_is_as_old_as_its_call(ada: Caller) -> None:
    opened(ada)
    with reading() as session:
        charge = session.scalars(select(Charge).order_by(Charge.id.desc())).first()
    assert charge is not None
    assert now() - charge.created_at < timedelta(seconds=30)
    assert (charge.forecast_read_tokens, charge.cache_read_tokens) == (5_000, 5_000)
