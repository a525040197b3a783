"""A person's messages: one of them, and the search in all."""

from __future__ import annotations

import html
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.messages import Message, select_message
from app.models.search import CLOSE, OPEN
from app.services import matches, sessions
from app.services.identity import Caller, may_read_all
from app.services.matches import Wanted
from app.services.pages import Ask, Page
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
    """The caller's messages that hold every word, in descending order the best match first, see `matches`."""
    wanted = Wanted(caller.user_id, query, session_id)
    with reading() as session:
        if session_id:
            sessions.own(session, caller, session_id)
        page = matches.find(session, wanted, ask)
        found = matches.show(session, wanted, page.rows)
    return Page([Match(one.message, one.score, marked(one.snippet)) for one in found], page.next_key)


def marked(snippet: str) -> str:
    """The snippet as HTML that is safe to show."""
    return html.escape(snippet).replace(OPEN, "<mark>").replace(CLOSE, "</mark>")
