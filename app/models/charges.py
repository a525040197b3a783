"""What each call to Claude costs: opened with a reservation before the call, settled or released after it.

A charge outlives what it was for: of a deleted message, session or person only the money is left.
"""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import JsonText, Model, UtcDateTime, new_id, now, table_of
from app.models.prepared import Prepared

OPEN, SETTLED, RELEASED = "open", "settled", "released"
IS_OPEN = text("status = 'open'")  # to the letter, or SQLite doesn't use its index
MESSAGE = "message"  # a purpose; those of calls that nobody typed are in `calls`


class Charge(Model):
    """One call's reservation, and what it came to. Amounts are nano-USD.

    `is_estimated` where Claude never said what was used. `steps` are what was lessened to fit a budget.
    `forecast_read_tokens` are what the cache was expected to give, `cache_miss_reason` is Claude's word on
    why it gave less.
    """

    __tablename__ = "charges"
    __table_args__ = (
        Index(None, "user_id", "settled_at"),
        Index(None, "settled_at"),
        Index("ix_charges_open", "created_at", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("chg"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    key_id: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id", ondelete="SET NULL"), index=True)
    session_id: Mapped[str | None] = mapped_column(ForeignKey("sessions.id", ondelete="SET NULL"), index=True)
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("calls.id", ondelete="SET NULL"), index=True)
    purpose: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(200))
    price_version: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), default=OPEN)
    reserved_nano_usd: Mapped[int] = mapped_column(BigInteger)
    cost_nano_usd: Mapped[int | None] = mapped_column(BigInteger)
    is_estimated: Mapped[bool] = mapped_column("estimated", default=False)
    input_tokens: Mapped[int | None] = mapped_column(BigInteger)
    cache_read_tokens: Mapped[int | None] = mapped_column(BigInteger)
    cache_write_5m_tokens: Mapped[int | None] = mapped_column(BigInteger)
    cache_write_1h_tokens: Mapped[int | None] = mapped_column(BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(BigInteger)
    web_searches: Mapped[int | None]
    speed: Mapped[str | None] = mapped_column(String(16))
    forecast_read_tokens: Mapped[int | None] = mapped_column(BigInteger)
    cache_miss_reason: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@functools.cache
def select_open(name: str) -> Prepared:
    """The open charge whose column `name` is `:of`, locked until the commit."""
    of = table_of(Charge).c
    is_open = (of.status == OPEN) & (of[name] == bindparam("of"))
    named = [column.label(name) for name, column in Charge.__mapper__.c.items()]
    return Prepared(select(*named).where(is_open).with_for_update())
