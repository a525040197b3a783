"""Calls to Claude that nobody typed: counts of tokens, summaries. Each has an owner and a purpose."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, UtcDateTime, new_id, now

COUNT, SUMMARY = "count", "summary"


class Call(Model):
    """One call. `status` is `running`, `done` or `failed`; `digest` is what was counted.

    While it runs, `holder` is the process that makes it, believed in until `leased_until`.
    """

    __tablename__ = "calls"
    __table_args__ = (Index(None, "session_id", "created_at"), Index(None, "user_id", "digest"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("call"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    session_id: Mapped[str | None] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(String(64))
    input_tokens: Mapped[int | None]
    cache_read_tokens: Mapped[int | None]
    cache_write_5m_tokens: Mapped[int | None]
    cache_write_1h_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    holder: Mapped[str | None] = mapped_column(String(200))
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
