"""What a turn begins with where it starts from a message that is there: regenerate, continue, edit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Fault, Invalid, NotContinuable
from app.models.messages import Message
from app.services import messages, sessions, tree
from app.services.identity import Caller
from app.services.preparations import GO_ON, After, Draft
from app.services.settings import Wishes
from app.services.transactions import reading

BROKEN_OFF = ("interrupted", "cancelled", "failed")
CUT_OFF = ("max_tokens", "model_context_window_exceeded")
UNSENDABLE = ("thinking", "redacted_thinking", "tool_use")


def of_regenerate(caller: Caller, message_id: str, wishes: Wishes) -> Draft:
    """Another answer beside this one; for a person's message, another answer to it."""
    with reading() as session:
        message = messages.own(session, caller, message_id)
        if message.role == "assistant":
            message = tree.message_at(session, message.parent_id) or _refuse("it answers nothing")
        return _answer_after(session, message, wishes)


def of_continue(caller: Caller, message_id: str, wishes: Wishes) -> Draft:
    """The rest of an answer that broke off, or was cut off for its length."""
    with reading() as session:
        message = messages.own(session, caller, message_id)
        if message.status == "running":
            raise sessions.busy(message.session_id, message.id)
        if message.role == "user":
            _refuse("it is no answer: regenerate answers it")
        if message.status not in BROKEN_OFF and message.stop_reason not in CUT_OFF:
            raise NotContinuable("It did not break off: regenerate it, or send a message.")
        return _answer_after(session, message, wishes)


def of_edit(
    caller: Caller,
    message_id: str,
    content: list[dict[str, Any]],
    metadata: dict[str, Any] | None,
    wishes: Wishes,
) -> Draft:
    """Another message of the person's beside this one, and its answer; without metadata, the old one's."""
    with reading() as session:
        message = messages.own(session, caller, message_id)
    if message.role != "user":
        _refuse("only your own messages can be edited")
    kept = message.client_metadata if metadata is None else metadata
    return Draft(content, message.session_id, wishes, kept, after=After(message.parent_id))


def _answer_after(session: Session, parent: Message, wishes: Wishes) -> Draft:
    """An answer below a message that is there: to a person's, or the rest of one of Claude's."""
    asked: Message | None = parent
    while asked and asked.role != "user":
        asked = tree.message_at(session, asked.parent_id)
    draft = Draft(None, parent.session_id, wishes, after=After(parent.id))
    is_begun = parent.role == "assistant" and any(map(_is_sent, parent.content))
    answers_id = asked.id if asked else _refuse("it answers nothing")
    return replace(draft, answers_id=answers_id, instruction=GO_ON if is_begun else None)


def _is_sent(block: dict[str, Any]) -> bool:
    """Whether a block that an answer ends in goes back to Claude."""
    is_blank = block.get("type") == "text" and not str(block.get("text", "")).strip()
    return not is_blank and block.get("type") not in UNSENDABLE


def _refuse(why: str) -> Any:
    raise Invalid(f"This message cannot be taken: {why}.", faults=[Fault("/path/message_id", why)])
