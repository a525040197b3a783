"""Pins: messages that stay in the context whatever is left out."""

from __future__ import annotations

from app.models.base import now
from app.models.messages import Message
from app.services import sessions, tree
from app.services.identity import Caller
from app.services.transactions import writing


def pin(caller: Caller, session_id: str, message_id: str, *, is_pinned: bool) -> Message:
    """Pin a message of the caller's session, or let it go again; raises NotFound."""
    with writing() as session:
        chat = sessions.locked(session, caller, session_id)
        message = tree.message_in(session, chat.id, message_id)
        if message.is_pinned != is_pinned:
            message.is_pinned, message.updated_at = is_pinned, now()
            session.flush()
    return message
