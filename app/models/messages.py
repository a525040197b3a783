"""Messages: a tree for each session, cut into branches so that a path is read by ranges.

A branch is a run of messages each of which follows the one before; it has the id of its first message, and
`depth` is the distance from the root. The path to a message is its own branch up to its depth, then the
branch that one grew from, up to where it grew. A conversation that never branched is one branch: one range of
one index.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    delete,
    false,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column
from sqlalchemy.sql.dml import ReturningDelete

from app.models.base import (
    JsonText,
    Model,
    RowNumber,
    UtcDateTime,
    new_id,
    now,
    table_of,
)
from app.models.prepared import Prepared
from app.models.sessions import ChatSession

NEWEST_SESSIONS = 4
REQUIRES_ACTION = "requires_action"
STATUSES = ("complete", "running", "interrupted", "cancelled", "failed", REQUIRES_ACTION)


class Message(Model):
    """One message; `content` is JSON text, kept byte for byte because signatures depend on it.

    `tokens` is its size as Claude counted it for `tokens_model`, `estimated_tokens` what was expected before.
    On answers, `context` is what went into the prompt, `context_state` what the next one is made
    from, and `recalled` what was quoted in it, where that stays. A message that a turn made on its way to its
    answer has that answer's id as `turn_id`; `awaits` are the calls of tools that an answer waits for.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "branch_id", "depth", unique=True),
        Index(None, "session_id", "number"),
        Index(
            "ix_messages_pinned",
            "session_id",
            "depth",
            sqlite_where=text("pinned"),
            postgresql_where=text("pinned"),
        ),
    )

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
    estimated_tokens: Mapped[int | None]
    tokens: Mapped[int | None]
    tokens_model: Mapped[str | None] = mapped_column(String(200))
    is_pinned: Mapped[bool] = mapped_column("pinned", default=False, server_default=false())
    context: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    recalled: Mapped[dict[str, Any] | None] = mapped_column(JsonText, deferred=True)
    context_state: Mapped[dict[str, Any] | None] = mapped_column(JsonText, deferred=True)
    upstream_id: Mapped[str | None] = mapped_column(String(100), deferred=True)
    turn_id: Mapped[str | None] = mapped_column(String(40))
    awaits: Mapped[list[dict[str, Any]] | None] = mapped_column(JsonText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def waiting(self) -> list[dict[str, Any]] | None:
        """The calls that a client must answer, without those whose results are there."""
        return waiting_in(self.awaits) if self.awaits else None


def waiting_in(awaits: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls among these that wait for the client; of the others the results are there."""
    return [one for one in awaits if "needs" in one]


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


@functools.cache
def select_by_id() -> Select[Message]:
    """The message `:id`."""
    return select(Message).where(Message.id == bindparam("id"))


@functools.cache
def select_two() -> Prepared:
    """The messages `:one` and `:other`, as values."""
    shown = [one for one in Message.__mapper__.column_attrs if not one.deferred]

    class MessageRow(namedtuple("Fields", [one.key for one in shown])):  # type: ignore[misc]
        """The fields of a message that are not read only when they are asked for."""

        waiting = Message.waiting

    id_, table = table_of(Message).c.id, table_of(Message)
    is_wanted = (id_ == bindparam("one")) | (id_ == bindparam("other"))
    columns = [table.c[one.columns[0].key] for one in shown]
    return Prepared(select(*columns).where(is_wanted), MessageRow._make)


@functools.cache
def select_at() -> Prepared:
    """The number of the message at `:depth` of the branch `:branch_id`."""
    of = table_of(Message).c
    is_there = (of.branch_id == bindparam("branch_id")) & (of.depth == bindparam("depth"))
    return Prepared(select(of.number).where(is_there))


@functools.cache
def insert_message() -> Prepared:
    """Inserts a message, by the names of columns; returns its number."""
    return Prepared(insert(table_of(Message)).returning(table_of(Message).c.number))


@functools.cache
def end_message() -> Prepared:
    """Sets columns of the message `:of`; returns its number."""
    of = table_of(Message).c
    return Prepared(update(table_of(Message)).where(of.id == bindparam("of")).returning(of.number))


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


@functools.cache
def way() -> tuple[CTE, Any]:
    """The path to `:head_id`, and whether a message is on it: for statements that are made once and kept.

    `depth + 0`, for SQLite would rather go through a whole branch than look for a few depths in it.
    """
    head_id: Any = bindparam("head_id")
    branches = path_to(head_id)
    return branches, and_(Message.branch_id == branches.c.branch_id, Message.depth + 0 <= branches.c.upto)


@functools.cache
def select_between(*columns: Any) -> Select[Any]:
    """The messages of the path to `:head_id` from depth `:low` to `:high`, from the root on."""
    low, high = bindparam("low", type_=Integer), bindparam("high", type_=Integer)
    found = select(*columns).join(*way()).where(Message.depth.between(low, high))
    return found.order_by(Message.depth)


@functools.cache
def select_ids() -> Select[int, str]:
    """(depth, id) of the messages of the path to `:head_id` that stand at one of `:depths`."""
    depths = bindparam("depths", type_=Integer, expanding=True)
    return select(Message.depth, Message.id).join(*way()).where(Message.depth.in_(depths))


@functools.cache
def select_pinned(*columns: Any) -> Select[Any]:
    """The pinned messages of `:session_id` on the path to `:head_id` before `:before_depth`."""
    session_id: Any = bindparam("session_id")
    is_pinned = text("messages.pinned")  # to the letter, or SQLite doesn't use its index
    found = select(*columns).join(*way()).where(Message.session_id == session_id, is_pinned)
    return found.where(Message.depth < bindparam("before_depth", type_=Integer)).order_by(Message.depth)


@functools.cache
def select_newest_states() -> Prepared:
    """The states that the newest sessions of `:user_id` stand at, the newest first; some are null."""
    of, at = table_of(ChatSession).c, table_of(Message).c
    newest = select(of.id, of.head_id).where(of.user_id == bindparam("user_id"))
    heads = newest.order_by(of.id.desc()).limit(NEWEST_SESSIONS).subquery("heads")
    found = select(at.context_state).join_from(table_of(Message), heads, heads.c.head_id == at.id)
    return Prepared(found.order_by(heads.c.id.desc()))


def delete_subtree(message_id: str) -> ReturningDelete[str]:
    """Deletes a message and all that follows from it; returns their ids."""
    subtree = select(Message.id).where(Message.id == message_id).cte("subtree", recursive=True)
    subtree = subtree.union(select(Message.id).join(subtree, Message.parent_id == subtree.c.id))
    return delete(Message).where(Message.id.in_(select(subtree.c.id))).returning(Message.id)
