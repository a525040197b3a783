"""Budgets: how much may be spent in a calendar period by everybody, a person, a key, or in a session."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Select, String, bindparam, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, UtcDateTime, now, table_of
from app.models.prepared import Prepared

SCOPES = ("all", "user", "key", "session")


class Budget(Model):
    """One limit, and what of it is spent and reserved in the period that began at `period_started_at`.

    The scope is `all`, `user:<id>`, `key:<id>` or `session:<id>`; the other ids follow from it. A `total` has
    no period.
    """

    __tablename__ = "budgets"

    scope: Mapped[str] = mapped_column(String(60), primary_key=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[str | None] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    limit_nano_usd: Mapped[int] = mapped_column(BigInteger)
    period: Mapped[str] = mapped_column(String(16))
    time_zone: Mapped[str] = mapped_column(String(64))
    period_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    spent_nano_usd: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_nano_usd: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


@functools.cache
def select_budgets() -> Prepared:
    """Those of the scopes `:all`, `:user`, `:key` and `:session`, in the order in which they are locked."""
    return Prepared(_in_order())


@functools.cache
def select_budgets_to_change() -> Prepared:
    """The same, locked until the commit."""
    return Prepared(_in_order().with_for_update())


def _in_order() -> Select[Any]:
    of = table_of(Budget).c
    is_one = or_(*(of.scope == bindparam(kind) for kind in SCOPES))
    return select(*of).where(is_one).order_by(of.scope)
