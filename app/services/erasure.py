"""Deleting for good: of what is erased nothing is left in tables, search index and files; a receipt tells.

Money stays: a charge outlives what it was for, without naming it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from app.extensions import db, dialect, parts
from app.models.api_keys import ApiKey
from app.models.base import now
from app.models.budgets import Budget
from app.models.calls import Call
from app.models.idempotency_keys import IdempotencyKey
from app.models.messages import Message
from app.models.rate_counters import RateCounter
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow
from app.models.traces import Trace
from app.models.turn_events import TurnEvents
from app.models.turns import Turn
from app.models.users import User
from app.services.transactions import reading, writing
from app.telemetry.logging import logger
from app.turns.runner import attempt

log_lines = logger("erasure")
MERGED_PAGES = 64  # of the index in one step, in which nobody else writes
PAUSE_SECONDS = 0.005
LONGEST_WAIT_SECONDS = 20.0
LOG_TRIES, LOG_PAUSE_SECONDS = 20, 0.1  # a reader may stand in the way for that long
MERGE = text("INSERT INTO message_index (message_index, rank) VALUES ('merge', :pages)")
# SQLite's number for the application's use: how many erasures the files still show.
MARK = "PRAGMA user_version"


@dataclass(frozen=True)
class Erasure:
    """A receipt: what was erased, how many of each. `running` are answers that were being made."""

    id: str
    erased: Mapping[str, int]
    erased_at: datetime
    running: Sequence[str] = ()


def of_session(session: Session, session_id: str) -> Erasure:
    """Erase a session in the caller's transaction, which has locked it; `finish` belongs after the commit."""
    chats = select(ChatSession.id).where(ChatSession.id == session_id)
    erasure = _counted(
        session,
        session_id,
        chats,
        {
            "calls": (Call, Call.session_id == session_id),
            "budgets": (Budget, Budget.session_id == session_id),
            "idempotency_keys": (IdempotencyKey, _names(session_id)),
        },
    )
    _forget_requests(session, session_id)
    session.execute(delete(ChatSession).where(ChatSession.id == session_id))
    _mark(session)
    return erasure


def of_person(session: Session, user_id: str) -> Erasure:
    """Erase a person in the caller's transaction; `finish` belongs after the commit."""
    chats = select(ChatSession.id).where(ChatSession.user_id == user_id)
    keys = select(ApiKey.id).where(ApiKey.user_id == user_id)
    session.execute(chats.with_for_update())  # first, as who ends a turn does
    whose = or_(Budget.user_id == user_id, Budget.key_id.in_(keys), Budget.session_id.in_(chats))
    erasure = _counted(
        session,
        user_id,
        chats,
        {
            "calls": (Call, Call.user_id == user_id),
            "keys": (ApiKey, ApiKey.user_id == user_id),
            "budgets": (Budget, whose),
            "idempotency_keys": (IdempotencyKey, IdempotencyKey.user_id == user_id),
        },
    )
    for one in (user_id, *session.scalars(keys)):
        session.execute(delete(RateCounter).where(RateCounter.key.contains(one, autoescape=True)))
    session.execute(delete(User).where(User.id == user_id))
    _mark(session)
    return erasure


def finish(erasure: Erasure) -> Erasure:
    """After the commit: stop what was being made, and leave nothing of it in the files.

    In a database of a million messages that takes a while, which is not waited for to the end.
    """
    of = parts()
    for message_id in erasure.running:
        of.runner.stop(message_id, "cancelled")

    def _sweep() -> None:
        with of.context():
            attempt(sweep, "what was erased is still in the files; it is tried again soon")

    if dialect() == "sqlite":
        thread = threading.Thread(target=_sweep, daemon=True)
        thread.start()
        thread.join(LONGEST_WAIT_SECONDS)
    return erasure


def sweep() -> None:
    """Where something was erased, take it out of the index's old parts and SQLite's log; else nothing.

    Deleted rows are overwritten at once, but FTS5 keeps the words of one until its parts are merged.
    PostgreSQL's vacuum does all of this by itself.
    """
    if dialect() != "sqlite":
        return
    with parts().sweeping:  # who waited for another's sweep may find that it was theirs too
        seen = _marked()
        if seen:
            _merge_index()
            if _empty_log():
                _unmark(seen)
            else:
                log_lines.warning("readers hold SQLite's log; what was erased leaves it at the next try")


def _counted(
    session: Session,
    id_: str,
    chats: Select[str],
    others: Mapping[str, tuple[type[Any], ColumnElement[bool]]],
) -> Erasure:
    events = select(Message.id).where(Message.session_id.in_(chats))
    length = func.coalesce(func.sum(TurnEvents.last - TurnEvents.first + 1), 0)
    counts: dict[str, Select[Any]] = {
        "sessions": select(func.count()).select_from(ChatSession).where(ChatSession.id.in_(chats)),
        "messages": select(func.count()).select_from(Message).where(Message.session_id.in_(chats)),
        "events": select(length).where(TurnEvents.message_id.in_(events)),
        "summaries": select(func.count()).select_from(SummaryRow).where(SummaryRow.session_id.in_(chats)),
        "traces": select(func.count()).select_from(Trace).where(Trace.session_id.in_(chats)),
    }
    for name, (table, is_of_it) in others.items():
        counts[name] = select(func.count()).select_from(table).where(is_of_it)
    erased = {name: int(session.scalar(count) or 0) for name, count in counts.items()}
    running = session.scalars(select(Turn.message_id).where(Turn.session_id.in_(chats))).all()
    return Erasure(id_, erased, now(), running)


def _names(session_id: str) -> ColumnElement[bool]:
    """Whether what a request has made is in the session, or the request was sent there."""
    return or_(IdempotencyKey.session_id == session_id, _was_sent_to(session_id))


def _was_sent_to(session_id: str) -> ColumnElement[bool]:
    return IdempotencyKey.route.startswith(f"/sessions/{session_id}/", autoescape=True)


def _forget_requests(session: Session, session_id: str) -> None:
    """Of a request that made the session itself only its key stays, for its day: it makes no second one."""
    is_about_it = IdempotencyKey.session_id == session_id
    gone = or_(_was_sent_to(session_id), is_about_it & IdempotencyKey.route.startswith("/messages/"))
    session.execute(delete(IdempotencyKey).where(gone))
    nothing: dict[str, Any] = {"user_message_id": None, "message_id": None, "session_id": "", "body_hash": ""}
    session.execute(update(IdempotencyKey).where(is_about_it).values(**nothing))


def _mark(session: Session) -> None:
    """Note that the files still show it, in the transaction that erases: who dies then forgets nothing."""
    if dialect() == "sqlite":
        session.execute(text(f"{MARK} = {int(session.scalar(text(MARK)) or 0) + 1}"))


def _marked() -> int:
    with reading() as session:
        return int(session.scalar(text(MARK)) or 0)


def _unmark(seen: int) -> None:
    """Unless more was erased meanwhile."""
    with writing() as session:
        if session.scalar(text(MARK)) == seen:
            session.execute(text(f"{MARK} = 0"))


def _merge_index() -> None:
    """Merge all of its parts, a little at a time, so that others can write in between."""
    pages = -MERGED_PAGES  # below zero: a new merge, of everything
    while True:
        with writing() as session:
            changes = text("SELECT total_changes()")
            before = session.scalar(changes)
            session.execute(MERGE, {"pages": pages})
            is_done = session.scalar(changes) - before < 2  # as SQLite's manual says
        if is_done:
            return
        pages = MERGED_PAGES
        time.sleep(PAUSE_SECONDS)


def _empty_log() -> bool:
    """Move the write-ahead log into the database, and cut it to nothing; False where readers do not go."""
    for _ in range(LOG_TRIES):
        with parts().write_lock:
            connection = db.engine.raw_connection()
            try:
                is_held = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                connection.close()
        if not is_held:
            return True
        time.sleep(LOG_PAUSE_SECONDS)
    return False
