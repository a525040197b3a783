"""A person's sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete
from sqlalchemy.orm import Session

from app.errors import NotFound, PreconditionFailed
from app.models.base import now
from app.models.messages import Message, select_path
from app.models.sessions import ChatSession, select_session, select_sessions_of
from app.services import tree
from app.services.identity import Caller
from app.services.pages import Ask, Page, cut
from app.services.transactions import reading, writing

Matches = Callable[[str], bool]


@dataclass(frozen=True)
class Wanted:
    """Which sessions are listed; None wants all."""

    is_archived: bool | None = None
    title_part: str | None = None
    model: str | None = None


def etag_of(row: ChatSession | Message) -> str:
    """Changes whenever the row does."""
    is_running = isinstance(row, ChatSession) and row.is_running
    return f"{row.id[-8:]}-{row.updated_at.timestamp():.6f}{'-running' if is_running else ''}"


def create(caller: Caller, values: dict[str, Any]) -> ChatSession:
    """A new session with these settings."""
    with writing() as session:
        chat = ChatSession(user_id=caller.user_id, **values)
        session.add(chat)
        session.flush()
        session.refresh(chat)
    return chat


def page(caller: Caller, wanted: Wanted, ask: Ask) -> Page[ChatSession]:
    """The caller's sessions, in the order they were made."""
    statement = _filtered(select_sessions_of(caller.user_id), wanted)
    if ask.after:
        key = ask.after[0]
        statement = statement.where(ChatSession.id < key if ask.is_descending else ChatSession.id > key)
    statement = statement.order_by(ChatSession.id.desc() if ask.is_descending else ChatSession.id)
    with reading() as session:
        rows = session.scalars(statement.limit(ask.limit + 1)).all()
    return cut(rows, ask.limit, lambda row: [row.id])


def get(caller: Caller, session_id: str) -> ChatSession:
    """One session; raises NotFound where it is not the caller's."""
    with reading() as session:
        return own(session, caller, session_id)


def change(caller: Caller, session_id: str, values: dict[str, Any], matches: Matches) -> ChatSession:
    """Set these columns; raises PreconditionFailed where the caller has seen another version."""
    with writing() as session:
        chat = _expected(session, caller, session_id, matches)
        for name, value in values.items():
            setattr(chat, name, value)
        chat.updated_at = now()
        session.flush()
        session.refresh(chat)
    return chat


def remove(caller: Caller, session_id: str, matches: Matches) -> None:
    """Delete a session with everything that hangs on it; the database cascades."""
    with writing() as session:
        chat = _expected(session, caller, session_id, matches)
        session.execute(delete(ChatSession).where(ChatSession.id == chat.id))


def path_page(caller: Caller, session_id: str, ask: Ask) -> Page[Message]:
    """The messages from the first to the head, found by their depth."""
    with reading() as session:
        head = tree.message_at(session, own(session, caller, session_id).head_id)
        if head is None:
            return Page([])
        low, high = _depths(ask, head.depth)
        rows = list(session.scalars(select_path(head.id, low, high)))
    if ask.is_descending:
        rows.reverse()
    return cut(rows, ask.limit, lambda row: [row.depth])


def own(session: Session, caller: Caller, session_id: str) -> ChatSession:
    """The caller's session; raises NotFound."""
    chat = session.scalar(select_session(caller.user_id, session_id))
    if chat is None:
        raise NotFound(f"You have no session {session_id}.")
    return chat


def locked(session: Session, caller: Caller, session_id: str) -> ChatSession:
    """The caller's session as it is now, locked until the commit; raises NotFound."""
    statement = select_session(caller.user_id, session_id).with_for_update(of=ChatSession)
    chat = session.scalar(statement.execution_options(populate_existing=True))
    if chat is None:
        raise NotFound(f"You have no session {session_id}.")
    return chat


def _depths(ask: Ask, deepest: int) -> tuple[int, int]:
    """The least and greatest depth of a page and the one row after it."""
    after = min(max(ask.after[0], -1), deepest + 1) if ask.after else None
    if ask.is_descending:
        high = deepest if after is None else after - 1
        return high - ask.limit, high
    low = 0 if after is None else after + 1
    return low, low + ask.limit


def _expected(session: Session, caller: Caller, session_id: str, matches: Matches) -> ChatSession:
    chat = locked(session, caller, session_id)
    if not matches(etag_of(chat)):
        raise PreconditionFailed(
            "Read it again and repeat the change.", headers={"ETag": f'"{etag_of(chat)}"'}
        )
    return chat


def _filtered(statement: Select[ChatSession], wanted: Wanted) -> Select[ChatSession]:
    if wanted.is_archived is not None:
        statement = statement.where(ChatSession.is_archived == wanted.is_archived)
    if wanted.title_part:
        statement = statement.where(ChatSession.title.icontains(wanted.title_part, autoescape=True))
    if wanted.model:
        statement = statement.where(ChatSession.model == wanted.model)
    return statement
