"""Charges: what a call may cost is reserved before it, what it cost is settled after it; the ledger has both.

Each function works in the transaction of what the call is for, so that neither is there without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.billing import ledger
from app.billing.costs import cost_nano_usd
from app.billing.ledger import Movement
from app.billing.usage import CLASSES, Usage
from app.context.tokens import of_content
from app.models.base import insert_into, new_id, now, update_by
from app.models.calls import Call
from app.models.charges import IS_OPEN, RELEASED, SETTLED, Charge, select_open
from app.models.ledger import LedgerEntry
from app.models.turns import Turn
from app.services import budgets, prices, rates
from app.services.budgets import Payer
from app.services.models import tokens_factor_of, usual_name
from app.services.transactions import after_commit, reading, writing
from app.telemetry import metrics
from app.tools import dispatcher
from app.turns.reply import Reply

FORGOTTEN_AFTER = timedelta(seconds=30)  # a turn or call that is only beginning is not taken for dead
MOST_FORGOTTEN = 500
# What is stored when a charge ends: attributes and their columns.
SAME = (
    "status",
    "cost_nano_usd",
    "price_version",
    "web_searches",
    "speed",
    "cache_miss_reason",
    "settled_at",
    *CLASSES,
)
ENDED = {name: name for name in SAME} | {"is_estimated": "estimated"}
MISSED_SHARE, MISSED_TOKENS = 0.02, 64  # less than this is no miss: a forecast has an estimate in it


@dataclass(frozen=True)
class Order:
    """A call that is to be made: what for, what it may cost at the most, and what it is expected to use.

    `steps` are what was lessened so that it fits a budget.
    """

    purpose: str
    model: str
    price_version: str
    greatest_nano_usd: int
    forecast: Usage
    steps: Sequence[dict[str, Any]] = ()


def open_for(session: Session, payer: Payer, order: Order, **what: str) -> str:
    """Reserve the most that a call may cost; `what` is the id of its message or call, or the charge's own.

    Returns the charge's id. Raises BudgetExhausted.
    """
    said = {"purpose": order.purpose, "greatest_nano_usd": order.greatest_nano_usd}
    return dispatcher.call("reserve", lambda: _open(session, payer, order, what), said=said)


def _open(session: Session, payer: Payer, order: Order, what: dict[str, str]) -> str:
    row = {
        **vars(payer),
        "id": new_id("chg"),
        **what,
        "purpose": order.purpose,
        "model": order.model,
        "price_version": order.price_version,
        "reserved_nano_usd": order.greatest_nano_usd,
        "forecast_read_tokens": order.forecast.cache_read_tokens,
        "steps": list(order.steps),
        **order.forecast.tokens,
    }
    insert_into(Charge).run(session, row)
    _enter(session, str(row["id"]), ledger.reservation(order.greatest_nano_usd))
    budgets.reserve(session, payer, order.greatest_nano_usd)
    return str(row["id"])


def settle(session: Session, came: Reply, *, is_refused: bool, **which: str) -> Charge | None:
    """End the open charge with this `id` or `message_id`; None where there is none.

    What Claude reported is the bill. Where it reported nothing it is an estimate, unless it refused the call.
    The charge that is returned is a value: nothing that is set on it is stored.
    """
    return dispatcher.call("settle", lambda: _close(session, which, came, is_refused), told=_told_of)


def _told_of(charge: Charge | None) -> dict[str, Any] | None:
    return {"status": charge.status, "cost_nano_usd": charge.cost_nano_usd} if charge else None


def _close(session: Session, which: dict[str, str], came: Reply, is_refused: bool) -> Charge | None:
    [(name, value)] = which.items()
    row = select_open(name).row(session, {"of": value})
    if row is None:
        return None
    charge = cast(Charge, SimpleNamespace(**row._asdict()))  # which is quicker to make, and as good
    if is_refused and not came.usage and not came.content:
        _release(session, charge)
    else:
        _settle(session, charge, came)
    return charge


def note_free(session: Session, payer: Payer, order: Order, call_id: str) -> None:
    """A call that costs nothing has a charge and an entry as well."""
    charge = Charge(
        **vars(payer), id=new_id("chg"), call_id=call_id, purpose=order.purpose, model=order.model
    )
    charge.price_version, charge.status, charge.settled_at = order.price_version, SETTLED, now()
    charge.reserved_nano_usd = charge.cost_nano_usd = charge.web_searches = 0
    for name, tokens in Usage().tokens.items():
        setattr(charge, name, tokens)
    session.add(charge)
    session.flush()
    _enter(session, charge.id, ledger.settlement(0, 0))


def recover(after: timedelta = FORGOTTEN_AFTER) -> int:
    """Settle what dead processes left open: charges that no running turn or call is there for; how many."""
    turn = exists().where(Turn.message_id == Charge.message_id)
    call = exists().where(Call.id == Charge.call_id, Call.status == "running")
    old = Charge.created_at < now() - after
    forgotten = select(Charge.id).where(IS_OPEN, old, ~turn, ~call).limit(MOST_FORGOTTEN)
    with reading() as session:
        ids = session.scalars(forgotten).all()
    for id_ in ids:
        with writing() as session:
            settle(session, Reply(), is_refused=False, id=id_)
    return len(ids)


def billed(forecast: Usage, came: Reply, tokens_factor: float) -> tuple[Usage, bool]:
    """What is paid for, and whether it is an estimate: of an answer that broke off nobody counts the end."""
    if came.usage and came.stop_reason is not None:
        return came.usage, False
    said = of_content(came.content, tokens_factor) if came.content else 0
    used = came.usage or forecast
    return replace(used, output_tokens=max(used.output_tokens, said)), True


def miss_of(forecast_read_tokens: int, used: Usage, said: dict[str, Any] | None) -> dict[str, Any] | None:
    """Why less was read from the cache than foreseen; None where it was not."""
    missed = forecast_read_tokens - used.cache_read_tokens
    if missed <= max(MISSED_TOKENS, MISSED_SHARE * forecast_read_tokens):
        return None
    return said or {"type": "unknown", "cache_missed_input_tokens": missed}


def usage_of(charge: Charge) -> Usage:
    """What a charge is for; while it is open, what is expected."""
    counts = {name: getattr(charge, name) or 0 for name in Usage().tokens}
    return Usage(**counts, web_searches=charge.web_searches or 0, speed=charge.speed)


def _settle(session: Session, charge: Charge, came: Reply) -> None:
    used, is_estimated = billed(usage_of(charge), came, tokens_factor_of(charge.model))
    found = prices.of(charge.model)
    cost = cost_nano_usd(found, used) if found else charge.reserved_nano_usd
    charge.is_estimated = is_estimated or found is None
    charge.price_version = found.version if found else charge.price_version
    charge.web_searches, charge.speed = used.web_searches, used.speed
    for name, tokens in used.tokens.items():
        setattr(charge, name, tokens)
    if charge.user_id:
        rates.used(session, charge.user_id, charge.key_id, used.prompt_tokens + used.output_tokens)
    if not is_estimated:
        charge.cache_miss_reason = miss_of(charge.forecast_read_tokens or 0, used, came.cache_miss_reason)
    _end(session, charge, SETTLED, cost, ledger.settlement(charge.reserved_nano_usd, cost))
    paid = usual_name(charge.model), charge.purpose, used.tokens, cost
    after_commit(session, partial(metrics.note_charge, *paid))


def _release(session: Session, charge: Charge) -> None:
    for name, tokens in Usage().tokens.items():
        setattr(charge, name, tokens)
    _end(session, charge, RELEASED, 0, ledger.release(charge.reserved_nano_usd))


def _end(session: Session, charge: Charge, status: str, cost: int, movements: Iterable[Movement]) -> None:
    charge.status, charge.cost_nano_usd, charge.settled_at = status, cost, now()
    changed = {column: getattr(charge, name) for name, column in ENDED.items()}
    update_by(Charge, "id").run(session, {"of": charge.id, **changed})
    _enter(session, charge.id, movements)
    payer = Payer(charge.user_id, charge.key_id, charge.session_id)
    budgets.settle(session, payer, charge.reserved_nano_usd, cost)


def _enter(session: Session, charge_id: str, movements: Iterable[Movement]) -> None:
    at, movements = now(), list(movements)
    ids = sorted(new_id("led") for _ in movements)  # in their order, though they are of one moment
    rows = [
        {
            "id": id_,
            "charge_id": charge_id,
            "kind": one.kind,
            "debit": one.debit,
            "credit": one.credit,
            "amount_nano_usd": one.amount_nano_usd,
            "created_at": at,
        }
        for id_, one in zip(ids, movements, strict=True)
    ]
    insert_into(LedgerEntry).run_for_all(session, rows)
