"""Traces: what was called for a turn, as a tree, and the calls of tools in it, by which it is found.

A trace's id sorts by when its turn began, so a list in the order of ids is one in the order of time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import JsonText, Model, UtcDateTime

PREFIX = "trc"


class Trace(Model):
    """The trace of the turn that made a message. `trace_id` is the one of W3C's trace context, in hex."""

    __tablename__ = "traces"
    __table_args__ = (Index(None, "user_id", "id", "status", "ms"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    request_id: Mapped[str] = mapped_column(String(128))
    trace_id: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ms: Mapped[float]
    spans: Mapped[dict[str, Any]] = mapped_column(JsonText, deferred=True)


class TraceCall(Model):
    """One call of a tool in a trace."""

    __tablename__ = "trace_calls"
    __table_args__ = (Index(None, "user_id", "tool", "trace", "status", "ms"),)

    trace: Mapped[str] = mapped_column(ForeignKey("traces.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    tool: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16))
    ms: Mapped[float]


def select_traces_of(user_id: str) -> Select[Trace]:
    """What one person may see: the traces of their own turns."""
    return select(Trace).where(Trace.user_id == user_id)


def select_calls(user_id: str, tool: str) -> Select[str]:
    """The traces in which a person's turns called a tool, once for each call."""
    return select(TraceCall.trace).where(TraceCall.user_id == user_id, TraceCall.tool == tool)
