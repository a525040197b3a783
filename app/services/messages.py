"""A person's messages: one of them, and the search in all."""

from __future__ import annotations

import html
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.extensions import dialect
from app.models.messages import Message, select_message
from app.models.search import CLOSE, OPEN, select_matches, words_of
from app.services import sessions
from app.services.identity import Caller, may_read_all
from app.services.pages import Ask, Page, cut
from app.services.transactions import reading


@dataclass(frozen=True)
class Match:
    """A message that was found. The snippet is HTML: what matched stands in <mark>, the rest is escaped."""

    message: Message
    score: float
    snippet: str


def get(caller: Caller, message_id: str) -> Message:
    """One message; raises NotFound where the caller may not read it."""
    with reading() as session:
        return readable(session, caller, message_id)


def own(session: Session, caller: Caller, message_id: str) -> Message:
    """The caller's message; raises NotFound."""
    return _required(session.scalar(select_message(caller.user_id, message_id)), message_id)


def readable(session: Session, caller: Caller, message_id: str) -> Message:
    """A message to read and never to change: the caller's, or, where admins may, anybody's."""
    if not may_read_all(caller):
        return own(session, caller, message_id)
    return _required(session.scalar(select(Message).where(Message.id == message_id)), message_id)


def _required(message: Message | None, message_id: str) -> Message:
    if message is None:
        raise NotFound(f"You have no message {message_id}.")
    return message


def search(caller: Caller, query: str, session_id: str | None, ask: Ask) -> Page[Match]:
    """The caller's messages that hold every word, the best match first in descending order."""
    if not words_of(query):
        return Page([])
    statement = select_matches(dialect(), caller.user_id, session_id, query)
    score = statement.selected_columns["score"]
    if ask.after:
        last, number = ask.after
        tie = and_(score == last, Message.number > number)
        statement = statement.where(or_(score < last if ask.is_descending else score > last, tie))
    statement = statement.order_by(score.desc() if ask.is_descending else score, Message.number)
    with reading() as session:
        if session_id:
            sessions.own(session, caller, session_id)
        rows = session.execute(statement.limit(ask.limit + 1)).all()
    found = [Match(row[0], row[1], marked(row[2])) for row in rows]
    return cut(found, ask.limit, lambda one: [one.score, one.message.number])


def marked(snippet: str) -> str:
    """The snippet as HTML that is safe to show."""
    return html.escape(snippet).replace(OPEN, "<mark>").replace(CLOSE, "</mark>")
