"""What a turn said, in order, from its begin to some time after its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import JsonText, Model, UtcDateTime, now


class TurnEvents(Model):
    """Events first … last of a turn, as [name, payload text], written in one go.

    A chunk begins where the one before ended, so two processes that both believe to hold a turn collide at
    the primary key, and the later one learns that it has lost the turn.
    """

    __tablename__ = "turn_events"
    __table_args__ = (Index(None, "written_at"),)

    message_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    first: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
    events: Mapped[list[Any]] = mapped_column(JsonText)
    written_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def select_events(message_id: str, after: int = 0) -> Select[TurnEvents]:
    """The chunks of a turn that hold events numbered above `after`, in order."""
    return (
        select(TurnEvents)
        .where(TurnEvents.message_id == message_id, TurnEvents.last > after)
        .order_by(TurnEvents.first)
    )
