"""Answers that are being made now: a row while a turn runs, gone when it ends."""

from __future__ import annotations

import functools
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, and_, bindparam, delete, exists, false, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.models.base import Model, UtcDateTime, table_of
from app.models.prepared import Prepared
from app.models.sessions import ChatSession


class Turn(Model):
    """One running answer. A session has one at the most; `holder` is the process that makes it, on `host`.

    The first `kept_events` of its log belong to messages that are stored already.
    """

    __tablename__ = "turns"
    __table_args__ = (Index(None, "host", "holder"),)

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), unique=True)
    holder: Mapped[str] = mapped_column(String(200))
    host: Mapped[str] = mapped_column(String(200), server_default="")
    request_id: Mapped[str] = mapped_column(String(128), server_default="")
    leased_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    is_cancelled: Mapped[bool] = mapped_column("cancelled", default=False, server_default=false())
    kept_events: Mapped[int] = mapped_column(default=0, server_default="0")


ChatSession.is_running = column_property(exists().where(Turn.session_id == ChatSession.id))


@functools.cache
def select_running() -> Prepared:
    """The answer that is being made in the session `:session_id`."""
    of = table_of(Turn).c
    return Prepared(select(of.message_id).where(of.session_id == bindparam("session_id")))


@functools.cache
def delete_turn(*names: str) -> Prepared:
    """Deletes the turn whose columns with these names are as given; returns its message."""
    of = table_of(Turn).c
    is_it = and_(*(of[name] == bindparam(name) for name in names))
    return Prepared(delete(table_of(Turn)).where(is_it).returning(of.message_id))
