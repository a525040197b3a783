"""Fills a database with sessions, fast: rows as the server writes them, indexes included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Table, func, insert, select, text

from app.context.tokens import of_content
from app.extensions import dialect
from app.models.base import new_id, now
from app.models.messages import Message
from app.models.search import insert_into_index
from app.models.sessions import ChatSession
from app.services.texts import searchable
from app.services.transactions import reading, writing
from bench.flat.texts import Speaker

ROWS_AT_ONCE = 5_000
ROLES = ("user", "assistant")
MODEL = "claude-sonnet-5-5"
NEXT_NUMBER = text("SELECT setval(pg_get_serial_sequence('messages', 'number'), max(number)) FROM messages")
Row = dict[str, Any]


def fill(user_ids: Sequence[str], messages: int, messages_each: int, words: int) -> None:
    """So many messages in all, in sessions of so many each, which belong to these people in turn."""
    speaker = Speaker(messages)
    for at in range(messages // messages_each):
        add_session(user_ids[at % len(user_ids)], messages_each, words, speaker)


def add_session(user_id: str, messages: int, words: int, speaker: Speaker, **settings: Any) -> str:
    """A session of one branch; its id."""
    session_id, ids = new_id("ses"), [new_id("msg") for _ in range(messages)]
    chat = {"id": session_id, "user_id": user_id, "head_id": ids[-1], "messages": messages, **settings}
    with writing() as session:
        session.execute(insert(_table(ChatSession)), [chat])
        first = (session.scalar(select(func.max(Message.number))) or 0) + 1
        for at in range(0, messages, ROWS_AT_ONCE):
            depths = range(at, min(at + ROWS_AT_ONCE, messages))
            rows = list(_rows(session_id, ids, depths, first, speaker, words))
            session.execute(insert(_table(Message)), rows)
            insert_into_index(dialect()).run_for_all(session, [_indexed(row, user_id) for row in rows])
    return session_id


def finish() -> None:
    """What the server adds from now on is numbered after all that; PostgreSQL looks at it anew."""
    with writing() as session:
        if dialect() == "postgresql":
            session.execute(NEXT_NUMBER)
        session.execute(text("ANALYZE"))


def count_messages() -> int:
    """How many there are."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def _rows(
    session_id: str, ids: Sequence[str], depths: range, first: int, speaker: Speaker, words: int
) -> Iterator[Row]:
    for depth in depths:
        content = [{"type": "text", "text": speaker.text(words)}]
        yield {
            "number": first + depth,
            "id": ids[depth],
            "session_id": session_id,
            "parent_id": ids[depth - 1] if depth else None,
            "branch_id": ids[0],
            "depth": depth,
            "role": ROLES[depth % 2],
            "content": content,
            "status": "complete",
            "model": MODEL if depth % 2 else None,
            "metadata": {},
            "estimated_tokens": of_content(content),
            "created_at": now(),
        }


def _indexed(row: Row, user_id: str) -> Row:
    names = ("number", "session_id")
    return {**{name: row[name] for name in names}, "user_id": user_id, "body": searchable(row["content"])}


def _table(model: type[Any]) -> Table:
    return cast(Table, model.__table__)
