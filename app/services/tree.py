"""Reading and growing a session's tree of messages."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, undefer

from app.errors import NotFound
from app.extensions import dialect
from app.models.messages import Message, select_path
from app.models.search import insert_into_index
from app.services.texts import searchable


@dataclass(frozen=True)
class Place:
    """Where in the tree a message stands."""

    parent_id: str | None
    branch_id: str
    depth: int


def message_at(session: Session, message_id: str | None) -> Message | None:
    """The message with that id; None for None."""
    return None if message_id is None else session.scalar(select(Message).where(Message.id == message_id))


def message_in(session: Session, session_id: str, message_id: str) -> Message:
    """The message with that id, which must be in the session; raises NotFound."""
    message = message_at(session, message_id)
    if message is None or message.session_id != session_id:
        raise NotFound(f"The session has no message {message_id}.")
    return message


def place_after(session: Session, parent: Message | None, message_id: str) -> Place:
    """Where a new message goes: on its parent's branch where that one ends, else on a branch of its own."""
    if parent is None:
        return Place(None, message_id, 0)
    depth = parent.depth + 1
    is_taken = exists().where(Message.branch_id == parent.branch_id, Message.depth == depth)
    branch_id = message_id if session.scalar(select(is_taken)) else parent.branch_id
    return Place(parent.id, branch_id, depth)


def index(session: Session, message: Message, user_id: str) -> None:
    """Make a stored message findable."""
    body = searchable(message.content)
    if body:
        row = {"number": message.number, "session_id": message.session_id, "user_id": user_id, "body": body}
        session.execute(insert_into_index(dialect()), row)


def whole_path(session: Session, head: Message) -> list[Message]:
    """Every message from the root to the head."""
    path = select_path(head.id, 0, head.depth).options(
        undefer(Message.context_state), undefer(Message.recalled), undefer(Message.upstream_id)
    )
    return list(session.scalars(path))
