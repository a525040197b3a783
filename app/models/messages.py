"""Messages: a tree for each session, cut into branches so that a path is read by ranges.

A branch is a run of messages each of which follows the one before; it has the id of its first message, and
`depth` is the distance from the root. The path to a message is its own branch up to its depth, then the
branch that one grew from, up to where it grew. A conversation that never branched is one branch: one range of
one index.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ForeignKey, Index, Select, String, and_, delete, select
from sqlalchemy.orm import Mapped, aliased, mapped_column
from sqlalchemy.sql.dml import ReturningDelete

from app.models.base import JsonText, Model, RowNumber, UtcDateTime, new_id, now
from app.models.sessions import ChatSession

STATUSES = ("complete", "running", "interrupted", "cancelled", "failed")


class Message(Model):
    """One message; `content` is JSON text, kept byte for byte because signatures depend on it."""

    __tablename__ = "messages"
    __table_args__ = (Index(None, "branch_id", "depth", unique=True), Index(None, "session_id", "number"))

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(40), unique=True, default=lambda: new_id("msg"))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    parent_id: Mapped[str | None] = mapped_column(
        ForeignKey("messages.id", deferrable=True, initially="DEFERRED"), index=True
    )
    branch_id: Mapped[str] = mapped_column(String(40))
    depth: Mapped[int]
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[list[dict[str, Any]]] = mapped_column(JsonText)
    status: Mapped[str] = mapped_column(String(16))
    model: Mapped[str | None] = mapped_column(String(200))
    stop_reason: Mapped[str | None] = mapped_column(String(64))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    client_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JsonText, default=dict)
    bound_to: Mapped[str | None] = mapped_column(String(64))
    repairs: Mapped[list[str] | None] = mapped_column(JsonText)
    input_tokens: Mapped[int | None]
    cache_read_tokens: Mapped[int | None]
    cache_write_5m_tokens: Mapped[int | None]
    cache_write_1h_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def select_messages_of(user_id: str) -> Select[Message]:
    """What one person may see: the messages of their own sessions."""
    return (
        select(Message)
        .join(ChatSession, ChatSession.id == Message.session_id)
        .where(ChatSession.user_id == user_id)
    )


def select_message(user_id: str, message_id: str) -> Select[Message]:
    """One message, if it is theirs."""
    return select_messages_of(user_id).where(Message.id == message_id)


def path_to(head_id: str) -> CTE:
    """The branches on the way to a message: (branch_id, upto), the deepest first."""
    first, parent = aliased(Message), aliased(Message)
    way = (
        select(Message.branch_id, Message.depth.label("upto"))
        .where(Message.id == head_id)
        .cte("way", recursive=True)
    )
    before = (
        select(parent.branch_id, parent.depth)
        .select_from(way)
        .join(first, first.id == way.c.branch_id)
        .join(parent, parent.id == first.parent_id)
    )
    return way.union_all(before)


def select_path(head_id: str, low: int, high: int) -> Select[Message]:
    """The messages of the path to the head whose depth is low … high, both included, from the root on."""
    way = path_to(head_id)
    is_on_path: Any = and_(
        Message.branch_id == way.c.branch_id, Message.depth <= way.c.upto, Message.depth.between(low, high)
    )
    return select(Message).join(way, is_on_path).order_by(Message.depth)


def delete_subtree(message_id: str) -> ReturningDelete[str]:
    """Deletes a message and all that follows from it; returns their ids."""
    subtree = select(Message.id).where(Message.id == message_id).cte("subtree", recursive=True)
    subtree = subtree.union(select(Message.id).join(subtree, Message.parent_id == subtree.c.id))
    return delete(Message).where(Message.id.in_(select(subtree.c.id))).returning(Message.id)
