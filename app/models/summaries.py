"""Summaries: what was said up to a message, in short. One holds on every path over that message."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Select, String, Text, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import JsonText, Model, UtcDateTime, new_id, now
from app.models.messages import Message, way

NEWEST = 20  # the one that a prompt holds is among them


class SummaryRow(Model):
    """One summary. `covered_ids` are the messages it added to the summary before it, `previous_id`.

    One that `is_due` was asked for by its owner, and is taken by the next prompt.
    """

    __tablename__ = "summaries"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("sum"))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    upto_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    upto_depth: Mapped[int]
    previous_id: Mapped[str | None] = mapped_column(String(40))
    covered_ids: Mapped[list[str]] = mapped_column(JsonText)
    text: Mapped[str] = mapped_column(Text)
    tokens: Mapped[int]
    model: Mapped[str] = mapped_column(String(200))
    is_due: Mapped[bool] = mapped_column("due", default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


@functools.cache
def select_summaries() -> Select[SummaryRow]:
    """The newest summaries of `:session_id` on the path to `:head_id`, the furthest first."""
    session_id: Any = bindparam("session_id")
    return (
        select(SummaryRow)
        .join(Message, Message.id == SummaryRow.upto_id)
        .join(*way())
        .where(SummaryRow.session_id == session_id)
        .order_by(SummaryRow.upto_depth.desc(), SummaryRow.id.desc())
        .limit(NEWEST)
    )
