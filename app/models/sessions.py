"""Conversations: their settings, where they stand, and what they have used."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ForeignKey, Index, Select, String, Text, bindparam, select, update
from sqlalchemy.orm import Mapped, MappedSQLExpression, mapped_column

from app.models.base import JsonText, Model, UtcDateTime, new_id, now, table_of
from app.models.prepared import Prepared


class ChatSession(Model):
    """A conversation of one person. `head_id` is the message the next one follows.

    `is_running` says whether an answer is being made; `app.models.turns` adds it.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("ses"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str | None] = mapped_column(String(500))
    model: Mapped[str | None] = mapped_column(String(200))
    system: Mapped[str | None] = mapped_column(Text)
    max_tokens: Mapped[int | None]
    context: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    tools: Mapped[list[Any] | None] = mapped_column(JsonText)
    client_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JsonText, default=dict)
    is_archived: Mapped[bool] = mapped_column("archived", default=False)
    head_id: Mapped[str | None] = mapped_column(String(40))
    messages: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    cache_read_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    cache_write_5m_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    cache_write_1h_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    if TYPE_CHECKING:
        is_running: MappedSQLExpression[bool]


def select_sessions_of(user_id: str) -> Select[ChatSession]:
    """What one person may see: their own."""
    return select(ChatSession).where(ChatSession.user_id == user_id)


def select_session(user_id: str, session_id: str) -> Select[ChatSession]:
    """One session, if it is theirs."""
    return select_sessions_of(user_id).where(ChatSession.id == session_id)


@functools.cache
def select_head() -> Prepared:
    """Where the session `:id` of `:user_id` stands, locked until the commit."""
    of = table_of(ChatSession).c
    found = select(of.id, of.head_id, of.context).where(of.id == bindparam("id"))
    return Prepared(found.where(of.user_id == bindparam("user_id")).with_for_update())


@functools.cache
def lock_session() -> Prepared:
    """Locks the session `:id` until the commit."""
    of = table_of(ChatSession).c
    return Prepared(select(of.id).where(of.id == bindparam("id")).with_for_update())


@functools.cache
def add_to_totals(*names: str) -> Prepared:
    """Adds `:more_…` to these totals of the session `:of`; returns whose it is."""
    of = table_of(ChatSession).c
    sums = {name: of[name] + bindparam(f"more_{name}") for name in names}
    changed = update(table_of(ChatSession)).where(of.id == bindparam("of")).values(sums)
    return Prepared(changed.values(updated_at=bindparam("at")).returning(of.user_id))


@functools.cache
def move_head() -> Prepared:
    """The session `:of` stands at `:at_id`, with `:more_messages`."""
    of = table_of(ChatSession).c
    changed = update(table_of(ChatSession)).where(of.id == bindparam("of"))
    sums = {"messages": of.messages + bindparam("more_messages"), "head_id": bindparam("at_id")}
    return Prepared(changed.values(**sums, updated_at=bindparam("at")))
