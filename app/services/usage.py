"""What was used and what it cost, summed over settled charges: the same that the ledger says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, select

from app.billing.usage import CLASSES
from app.extensions import dialect
from app.models.charges import SETTLED, Charge
from app.models.ledger import LedgerEntry
from app.services.identity import Caller
from app.services.pages import Ask, Page, cut
from app.services.transactions import reading

GROUPS = ("day", "model", "session", "user", "purpose")
COLUMNS: dict[str, tuple[str, Any]] = {
    "model": ("model", Charge.model),
    "session": ("session_id", Charge.session_id),
    "user": ("user_id", Charge.user_id),
    "purpose": ("purpose", Charge.purpose),
}
MOST_ROWS = 10_000


@dataclass(frozen=True)
class Wanted:
    """Which charges are summed, and by what: those settled from `since` on and before `until`."""

    groups: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Sums:
    """A row for each group, and the sum of all."""

    rows: Sequence[dict[str, Any]]
    total: dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A movement of the ledger, and what it was for."""

    id: str
    kind: str
    amount_nano_usd: int
    debit: str
    credit: str
    message_id: str | None
    session_id: str | None
    purpose: str
    model: str
    created_at: datetime


def summed(caller: Caller, wanted: Wanted) -> Sums:
    """The caller's usage; an admin who groups by user sees everybody's."""
    is_everybodys = "user" in wanted.groups and caller.is_admin
    where = [Charge.status == SETTLED, *([] if is_everybodys else [Charge.user_id == caller.user_id])]
    where += [Charge.settled_at >= wanted.since] if wanted.since else []
    where += [Charge.settled_at < wanted.until] if wanted.until else []
    groups = dict(_group(one) for one in dict.fromkeys(wanted.groups))
    found = select(*(column.label(name) for name, column in groups.items()), *_sums()).where(*where)
    grouped = found.group_by(*groups.values()).order_by(*groups.values()).limit(MOST_ROWS)
    with reading() as session:
        rows = [_row(one) for one in session.execute(grouped).mappings()] if groups else []
        total = _row(session.execute(select(*_sums()).where(*where)).mappings().one())
    return Sums(rows if groups else [total], total)


def entries(caller: Caller, ask: Ask) -> Page[Entry]:
    """The caller's movements of the ledger, in the order they were made."""
    found = _entries().where(Charge.user_id == caller.user_id)
    if ask.after:
        key = ask.after[0]
        found = found.where(LedgerEntry.id < key if ask.is_descending else LedgerEntry.id > key)
    found = found.order_by(LedgerEntry.id.desc() if ask.is_descending else LedgerEntry.id)
    with reading() as session:
        rows = [Entry(*row) for row in session.execute(found.limit(ask.limit + 1))]
    return cut(rows, ask.limit, lambda row: [row.id])


def _entries() -> Any:
    of_entry = (LedgerEntry.id, LedgerEntry.kind, LedgerEntry.amount_nano_usd)
    accounts = (LedgerEntry.debit, LedgerEntry.credit)
    of_charge = (Charge.message_id, Charge.session_id, Charge.purpose, Charge.model)
    found = select(*of_entry, *accounts, *of_charge, LedgerEntry.created_at)
    return found.join(Charge, Charge.id == LedgerEntry.charge_id)


def _group(name: str) -> tuple[str, ColumnElement[Any]]:
    return (name, _day()) if name == "day" else COLUMNS[name]


def _day() -> ColumnElement[str]:
    """The day in UTC on which a charge was settled, as 2026-11-25."""
    if dialect() == "postgresql":
        return func.to_char(func.timezone("UTC", Charge.settled_at), "YYYY-MM-DD")
    return func.substr(cast(Charge.settled_at, String), 1, 10)


def _sums() -> list[ColumnElement[Any]]:
    names = (*CLASSES, "web_searches", "cost_nano_usd")
    return [*(func.sum(getattr(Charge, name)).label(name) for name in names), func.count().label("calls")]


def _row(found: Any) -> dict[str, Any]:
    """Whole numbers, whatever a database makes of a sum, and none where nothing was summed."""
    groups = {name: value for name, value in found.items() if name not in {*CLASSES, *_NUMBERS}}
    numbers = {name: int(found[name] or 0) for name in (*CLASSES, *_NUMBERS)}
    prompt = sum(numbers[name] for name in CLASSES if name != "output_tokens")
    return {**groups, **numbers, "prompt_tokens": prompt}


_NUMBERS = ("web_searches", "cost_nano_usd", "calls")
