"""A person's sessions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.errors import NotFound, PreconditionFailed, SessionBusy
from app.models.base import new_id, now
from app.models.messages import Message, select_path
from app.models.sessions import ChatSession, select_session, select_sessions_of
from app.models.turns import select_running
from app.services import audit, erasure, idempotency, toolboxes, tree
from app.services.erasure import Erasure
from app.services.idempotency import Claim, Made, Taken
from app.services.identity import Caller, may_read_all
from app.services.pages import Ask, Page, cut, keyed
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


@dataclass(frozen=True)
class Created:
    """A session that was made, now or by the same request before."""

    chat: ChatSession
    is_replayed: bool = False


def made_once(caller: Caller, claim: Claim | None, make: Callable[[Session, str], ChatSession]) -> Created:
    """The session that `make` makes, with the id it is given; if the request made one before, that one."""
    while True:
        with reading() as session:
            if made := idempotency.made(session, caller, claim):
                return Created(own(session, caller, made.session_id), is_replayed=True)
        with suppress(Taken), writing() as session:
            session_id = new_id("ses")
            idempotency.keep(session, caller, claim, Made(session_id))
            chat = make(session, session_id)
            session.flush()
            session.refresh(chat)
            return Created(chat)


def added(session: Session, caller: Caller, session_id: str, **values: Any) -> ChatSession:
    """A new session of the caller's, in the transaction."""
    chat = ChatSession(id=session_id, user_id=caller.user_id, **values)
    session.add(chat)
    session.flush()
    return chat


def create(caller: Caller, values: dict[str, Any], claim: Claim | None = None) -> Created:
    """A new session with these settings; raises Invalid where the server lacks one of its tools."""
    toolboxes.refuse_unknown(values.get("tools"))
    return made_once(caller, claim, lambda session, new: added(session, caller, new, **values))


def page(caller: Caller, wanted: Wanted, ask: Ask) -> Page[ChatSession]:
    """The caller's sessions, in the order they were made."""
    statement = _filtered(select_sessions_of(caller.user_id), wanted)
    with reading() as session:
        rows = session.scalars(keyed(statement, ChatSession.id, ask)).all()
    return cut(rows, ask.limit, lambda row: [row.id])


def get(caller: Caller, session_id: str) -> ChatSession:
    """One session; raises NotFound where the caller may not read it."""
    with reading() as session:
        return readable(session, caller, session_id)


def change(caller: Caller, session_id: str, values: dict[str, Any], matches: Matches) -> ChatSession:
    """Set these columns; raises PreconditionFailed where the caller has seen another version, and Invalid."""
    toolboxes.refuse_unknown(values.get("tools"))
    with writing() as session:
        chat = expected(session, caller, session_id, matches)
        for name, value in values.items():
            setattr(chat, name, value)
        chat.updated_at = now()
        session.flush()
        session.refresh(chat)
    return chat


def remove(caller: Caller, session_id: str, matches: Matches) -> Erasure:
    """Erase a session with everything that hangs on it; an answer that is being made is stopped."""
    with writing() as session:
        chat = expected(session, caller, session_id, matches)
        audit.note(session, caller, "session.delete", chat.id)
        erased = erasure.of_session(session, chat.id)
    return erasure.finish(erased)


def path_page(caller: Caller, session_id: str, ask: Ask) -> Page[Message]:
    """The messages from the first to the head, found by their depth."""
    with reading() as session:
        head = tree.message_at(session, readable(session, caller, session_id).head_id)
        if head is None:
            return Page([])
        low, high = _depths(ask, head.depth)
        rows = list(session.scalars(select_path(head.id, low, high)))
    if ask.is_descending:
        rows.reverse()
    return cut(rows, ask.limit, lambda row: [row.depth])


def tree_page(caller: Caller, session_id: str, ask: Ask) -> Page[Message]:
    """The messages of every branch, in the order they were made: each stands after the one it follows."""
    with reading() as session:
        readable(session, caller, session_id)
        statement = select(Message).where(Message.session_id == session_id)
        rows = session.scalars(keyed(statement, Message.number, ask)).all()
    return cut(rows, ask.limit, lambda row: [row.number])


def own(session: Session, caller: Caller, session_id: str) -> ChatSession:
    """The caller's session; raises NotFound."""
    return _required(session.scalar(select_session(caller.user_id, session_id)), session_id)


def readable(session: Session, caller: Caller, session_id: str) -> ChatSession:
    """A session to read and never to change: the caller's, or, where admins may, anybody's."""
    if not may_read_all(caller):
        return own(session, caller, session_id)
    return _required(session.scalar(select(ChatSession).where(ChatSession.id == session_id)), session_id)


def missing(session_id: str) -> NotFound:
    """What to say where the caller has no such session."""
    return NotFound(f"You have no session {session_id}.")


def _required(chat: ChatSession | None, session_id: str) -> ChatSession:
    if chat is None:
        raise missing(session_id)
    return chat


def refuse_if_busy(session: Session, session_id: str) -> None:
    """Raises SessionBusy while an answer is being made.

    A statement of its own: `is_running` of a row that was waited for may be older than the wait.
    """
    running = running_id(session, session_id)
    if running:
        raise busy(session_id, running)


def running_id(session: Session, session_id: str) -> str | None:
    """The answer that is being made in a session."""
    found: str | None = select_running().value(session, {"session_id": session_id})
    return found


def busy(session_id: str, message_id: str | None = None) -> SessionBusy:
    """What to say where a session answers already; the message is the answer it is busy with."""
    error = SessionBusy(
        f"{session_id} is answering another message: wait until it is done, or send with on_busy: queue.",
        headers={"Retry-After": "1"},
    )
    error.about = {"message_id": message_id} if message_id else {}
    return error


def locked(session: Session, caller: Caller, session_id: str) -> ChatSession:
    """The caller's session as it is now, locked until the commit; raises NotFound."""
    statement = select_session(caller.user_id, session_id).with_for_update(of=ChatSession)
    return _required(session.scalar(statement.execution_options(populate_existing=True)), session_id)


def expected(session: Session, caller: Caller, session_id: str, matches: Matches) -> ChatSession:
    """The caller's session, locked, in the version that the caller has seen."""
    chat = locked(session, caller, session_id)
    expect(chat, matches)
    return chat


def expect(row: ChatSession | Message, matches: Matches) -> None:
    """Raises PreconditionFailed where the caller has seen another version."""
    if not matches(etag_of(row)):
        raise PreconditionFailed(
            "Read it again and repeat the change.", headers={"ETag": f'"{etag_of(row)}"'}
        )


def _depths(ask: Ask, deepest: int) -> tuple[int, int]:
    """The least and greatest depth of a page and the one row after it."""
    after = min(max(ask.after[0], -1), deepest + 1) if ask.after else None
    if ask.is_descending:
        high = deepest if after is None else after - 1
        return high - ask.limit, high
    low = 0 if after is None else after + 1
    return low, low + ask.limit


def _filtered(statement: Select[ChatSession], wanted: Wanted) -> Select[ChatSession]:
    if wanted.is_archived is not None:
        statement = statement.where(ChatSession.is_archived == wanted.is_archived)
    if wanted.title_part:
        statement = statement.where(ChatSession.title.icontains(wanted.title_part, autoescape=True))
    if wanted.model:
        statement = statement.where(ChatSession.model == wanted.model)
    return statement
