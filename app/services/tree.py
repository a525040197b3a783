"""Reading and growing a session's tree of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session, undefer

from app.errors import NotFound
from app.extensions import dialect
from app.models.messages import Message, select_at, select_by_id, select_path
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
    return None if message_id is None else session.scalar(select_by_id(), {"id": message_id})


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
    where = {"branch_id": parent.branch_id, "depth": depth}
    is_taken = select_at().row(session, where) is not None
    return Place(parent.id, message_id if is_taken else parent.branch_id, depth)


def index(session: Session, message: Message, user_id: str) -> None:
    """Make a stored message findable."""
    index_content(session, message.number, message.content, session_id=message.session_id, user_id=user_id)


def index_content(
    session: Session, number: int, content: Sequence[dict[str, Any]], *, session_id: str, user_id: str
) -> None:
    """Make what was stored under a number findable."""
    body = searchable(content)
    if body:
        row = {"number": number, "session_id": session_id, "user_id": user_id, "body": body}
        insert_into_index(dialect()).run(session, row)


def whole_path(session: Session, head: Message) -> list[Message]:
    """Every message from the root to the head."""
    path = select_path(head.id, 0, head.depth).options(
        undefer(Message.context_state), undefer(Message.recalled), undefer(Message.upstream_id)
    )
    return list(session.scalars(path))
