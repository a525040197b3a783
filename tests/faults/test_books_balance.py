"""Whatever happens to charges: receipts, ledger, usage and budgets say the same, for each person and day."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from app.billing.usage import CLASSES, Usage
from app.errors import BudgetExhausted
from app.extensions import db
from app.models.budgets import Budget
from app.models.charges import OPEN, Charge
from app.models.ledger import LedgerEntry
from app.models.sessions import ChatSession
from app.models.users import User
from app.services import budgets, charges, usage, users
from app.services.budgets import Limit, Payer
from app.services.charges import Order
from app.services.identity import Caller, identify
from app.services.roles import granted
from app.services.transactions import reading, writing
from app.services.usage import Wanted
from app.turns.reply import Reply
from tests.faults.conftest import Found, Scale

MODELS = ("claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-8")
ACTS = (("open", 30), ("settle", 24), ("crash", 4), ("fail", 4), ("recover", 1), ("limit", 2), ("leave", 1))
CHECKED_EVERY = 500
NOW = timedelta(0)


class Crash(Exception):
    """In the middle of a transaction."""


class Trade:
    """People who spend, and processes that die while they do."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.people: list[Caller] = []
        self.sessions: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.counts: Counter[str] = Counter()
        for _ in range(4):
            self.join()

    def join(self) -> None:
        """A new person with two sessions."""
        user = users.add(f"P{len(self.people)}", self.random.choice(("admin", "member")))
        caller = identify(users.add_key(user.id, "key")[1])
        with writing() as session:
            chats = [ChatSession(user_id=user.id) for _ in range(2)]
            session.add_all(chats)
        self.people.append(caller)
        self.sessions[user.id] = [one.id for one in chats]

    def act(self) -> None:
        names, weights = zip(*ACTS, strict=True)
        (name,) = self.random.choices(names, weights)
        self.counts[name] += 1
        getattr(self, f"_{name}")()

    def _open(self) -> None:
        with suppress(BudgetExhausted), writing() as session:
            self.open.append(charges.open_for(session, self._payer(), self._order()))

    def _settle(self) -> None:
        if self.open:
            with writing() as session:
                self._end(session, self.open.pop(self.random.randrange(len(self.open))))

    def _crash(self) -> None:
        """Of an open charge nobody knows any more."""
        if self.open:
            self.open.pop()

    def _fail(self) -> None:
        """All of a transaction, or nothing."""
        with suppress(Crash, BudgetExhausted), writing() as session:
            if self.open and self.random.random() < 0.5:
                self._end(session, self.open[-1])
            else:
                charges.open_for(session, self._payer(), self._order())
            raise Crash

    def _recover(self) -> None:
        charges.recover(NOW)
        self.open.clear()

    def _limit(self) -> None:
        """Somebody's budget is set anew, or taken away."""
        admin, caller = self._admin(), self.random.choice(self.people)
        scope = self.random.choice(Payer(caller.user_id, caller.key_id, self._session_of(caller)).scopes)
        if self.random.random() < 0.8:
            amount = self.random.choice((10**6, 10**9, 10**12))
            period = self.random.choice(("day", "week", "month", "total"))
            budgets.put(admin, scope, Limit(amount, period, self.random.choice(("UTC", "Asia/Tokyo"))))
        else:
            with suppress(Exception):
                budgets.remove(admin, scope)

    def _leave(self) -> None:
        """A session or a person is deleted, with charges open."""
        caller = self.random.choice(self.people[1:])
        with writing() as session:
            if self.random.random() < 0.7:
                session.delete(session.get_one(ChatSession, self._session_of(caller)))
                fresh = ChatSession(user_id=caller.user_id)
                session.add(fresh)
            else:
                session.delete(session.get_one(User, caller.user_id))
                fresh = None
        if fresh:
            self.sessions[caller.user_id] = [fresh.id]
        else:
            self.people.remove(caller)
            self.join()

    def _end(self, session: Any, id_: str) -> None:
        kind = self.random.choice(("whole", "whole", "cut", "silent", "refused"))
        used = Usage(*(self.random.randrange(20_000) for _ in CLASSES), self.random.choice((0, 0, 3)))
        came = {
            "whole": Reply(usage=used, stop_reason="end_turn", is_complete=True),
            "cut": Reply(content=[{"type": "text", "text": "word " * 40}], usage=used),
        }.get(kind, Reply())
        charges.settle(session, came, is_refused=kind == "refused", id=id_)

    def _payer(self) -> Payer:
        caller = self.random.choice(self.people)
        return Payer(caller.user_id, caller.key_id, self._session_of(caller))

    def _session_of(self, caller: Caller) -> str:
        return self.random.choice(self.sessions[caller.user_id])

    def _admin(self) -> Caller:
        return replace(self.people[0], role="admin", scopes=granted("admin"))

    def _order(self) -> Order:
        forecast = Usage(*(self.random.randrange(10_000) for _ in CLASSES[:-1]))
        purpose = self.random.choice(("message", "summary"))
        return Order(purpose, self.random.choice(MODELS), "p", self.random.randrange(10**8), forecast)


def test_receipts_ledger_usage_and_budgets_say_the_same(
    app: Flask, people: None, scale: Scale, found: Found
) -> None:
    with app.app_context():
        trade = Trade(Random(5))  # noqa: S311 - no secret
        for number in range(scale.charges):
            trade.act()
            if number % CHECKED_EVERY == 0:
                _check(trade)
        charges.recover(NOW)
        _check(trade)
        assert _account("reserved") == 0
    kinds = ", ".join(f"{count} {name}" for name, count in sorted(trade.counts.items()))
    found(f"{scale.charges} acts on charges ({kinds}): 0 nano-USD differ")


def _check(trade: Trade) -> None:
    for caller in trade.people:
        mine = Charge.user_id == caller.user_id
        receipts = _sum(Charge.cost_nano_usd, mine)
        assert receipts == _spent(mine) == usage.summed(caller, Wanted()).total["cost_nano_usd"]
        days = usage.summed(caller, Wanted(["day"])).rows
        assert sum(one["cost_nano_usd"] for one in days) == receipts
        for day in {one["day"] for one in days}:
            assert _spent(mine, func.substr(_text_of(LedgerEntry.created_at), 1, 10) == day) == next(
                one["cost_nano_usd"] for one in days if one["day"] == day
            )
    assert _sum(Charge.cost_nano_usd) == _account("spent")
    assert _account("reserved") == _sum(Charge.reserved_nano_usd, Charge.status == OPEN)
    assert _account("budget") + _account("reserved") + _account("spent") == 0
    _check_budgets()


def _check_budgets() -> None:
    with reading() as session:
        for budget in session.scalars(select(Budget)):
            kind, _, id_ = budget.scope.partition(":")
            theirs = [getattr(Charge, f"{kind}_id") == id_] if id_ else []
            open_now = _sum(Charge.reserved_nano_usd, Charge.status == OPEN, *theirs)
            assert budget.reserved_nano_usd == open_now, budget.scope


def _spent(*where: Any) -> int:
    with reading() as session:
        spent = select(func.sum(LedgerEntry.amount_nano_usd)).join(Charge, Charge.id == LedgerEntry.charge_id)
        return int(session.scalar(spent.where(LedgerEntry.credit == "spent", *where)) or 0)


def _account(name: str) -> int:
    with reading() as session:
        gone = select(func.sum(LedgerEntry.amount_nano_usd)).where(LedgerEntry.debit == name)
        come = select(func.sum(LedgerEntry.amount_nano_usd)).where(LedgerEntry.credit == name)
        return int(session.scalar(come) or 0) - int(session.scalar(gone) or 0)


def _sum(column: Any, *where: Any) -> int:
    with reading() as session:
        return int(session.scalar(select(func.sum(column)).where(*where)) or 0)


def _text_of(column: Any) -> Any:
    """A time as text, in UTC."""
    if db.engine.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")
    return column
