"""Answers that are being made now: a row while a turn runs, gone when it ends."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, exists, false
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.models.base import Model, UtcDateTime
from app.models.sessions import ChatSession


class Turn(Model):
    """One running answer. A session has one at the most; `holder` is the process that makes it.

    The first `kept_events` of its log belong to messages that are stored already.
    """

    __tablename__ = "turns"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), unique=True)
    holder: Mapped[str] = mapped_column(String(200))
    request_id: Mapped[str] = mapped_column(String(128), server_default="")
    leased_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    is_cancelled: Mapped[bool] = mapped_column("cancelled", default=False, server_default=false())
    kept_events: Mapped[int] = mapped_column(default=0, server_default="0")


ChatSession.is_running = column_property(exists().where(Turn.session_id == ChatSession.id))
