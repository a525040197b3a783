"""A session's branches: go on from another one, take one into a session of its own, cut one off."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from app.models.base import new_id, now
from app.models.messages import Message, delete_subtree, select_path
from app.models.sessions import ChatSession
from app.services import audit, messages, sessions, summaries, tree
from app.services.idempotency import Claim
from app.services.identity import Caller
from app.services.sessions import Created, Matches
from app.services.transactions import writing

COPIED_SETTINGS = ("title", "model", "system", "max_tokens", "context", "tools", "client_metadata")
CHANGED = frozenset({"number", "id", "session_id", "parent_id", "branch_id", "depth", "context", "turn_id"})


def fork(caller: Caller, session_id: str, message_id: str, claim: Claim | None = None) -> Created:
    """A new session with this one's settings and its messages up to this one."""
    return sessions.made_once(
        caller, claim, lambda session, new: _fork(session, caller, session_id, message_id, new)
    )


def go_on_from(caller: Caller, session_id: str, message_id: str, matches: Matches) -> ChatSession:
    """Make a message the one that the next follows; raises SessionBusy while an answer is made."""
    with writing() as session:
        chat = sessions.expected(session, caller, session_id, matches)
        sessions.refuse_if_busy(session, session_id)
        chat.head_id, chat.updated_at = tree.message_in(session, session_id, message_id).id, now()
        session.flush()
        session.refresh(chat)
    return chat


def cut_off(caller: Caller, message_id: str, matches: Matches) -> None:
    """Delete a message and what follows from it; the head moves to the message before, if it was among them.

    Raises SessionBusy while an answer among them is made.
    """
    with writing() as session:
        found = messages.own(session, caller, message_id)
        session.expunge(found)
        chat = sessions.locked(session, caller, found.session_id)
        message = messages.own(session, caller, message_id)  # as it is under the lock
        sessions.expect(message, matches)
        running_id = sessions.running_id(session, chat.id)
        if running_id and _follows(session, running_id, message):
            raise sessions.busy(chat.id, running_id)
        if chat.head_id and _follows(session, chat.head_id, message):
            chat.head_id = message.parent_id
        ids = session.scalars(delete_subtree(message.id)).all()
        chat.messages, chat.updated_at = chat.messages - len(ids), now()
        audit.note(
            session, caller, "message.delete", message_id, {"session_id": chat.id, "messages": len(ids)}
        )


def _follows(session: Session, later_id: str, message: Message) -> bool:
    """Whether the path to the later message leads over this one."""
    on_path = session.scalar(select_path(later_id, message.depth, message.depth))
    return on_path is not None and on_path.id == message.id


def _fork(session: Session, caller: Caller, session_id: str, message_id: str, new_id_: str) -> ChatSession:
    old = sessions.locked(session, caller, session_id)  # so that nothing of the path is deleted meanwhile
    last = tree.message_in(session, session_id, message_id)
    if last.status == "running":
        raise sessions.busy(session_id, message_id)
    settings = {name: getattr(old, name) for name in COPIED_SETTINGS}
    chat = sessions.added(session, caller, new_id_, **settings)
    path = tree.whole_path(session, last)
    ids = {message.id: new_id("msg") for message in path}
    copies = _copies(path, ids, new_id_)
    session.add_all(copies)
    session.flush()
    for copy in copies:
        tree.index(session, copy, caller.user_id)
    _rename_summaries(copies, summaries.copied(session, ids, new_id_))
    chat.head_id, chat.messages = copies[-1].id, len(copies)
    return chat


def _copies(path: list[Message], ids: dict[str, str], session_id: str) -> list[Message]:
    """The same messages as one branch of another session."""
    names = [column.key for column in inspect(Message).column_attrs if column.key not in CHANGED]
    first_id = ids[path[0].id]
    return [
        Message(
            **{name: getattr(message, name) for name in names},
            id=ids[message.id],
            session_id=session_id,
            context=_with_ids(message.context, ids),
            **vars(tree.Place(ids[path[at - 1].id] if at else None, first_id, at)),
        )
        for at, message in enumerate(path)
    ]


def _rename_summaries(copies: list[Message], ids: dict[str, str]) -> None:
    """The summaries that prompts held are copies too."""
    for copy in copies:
        if copy.context and copy.context.get("summary_id") in ids:
            copy.context = {**copy.context, "summary_id": ids[copy.context["summary_id"]]}
        if copy.context_state and copy.context_state.get("summary_id") in ids:
            copy.context_state = {**copy.context_state, "summary_id": ids[copy.context_state["summary_id"]]}


def _with_ids(receipt: dict[str, Any] | None, ids: dict[str, str]) -> dict[str, Any] | None:
    """A receipt that names the copies."""
    if receipt is None:
        return None
    runs = [
        {**one, "first_id": ids.get(one["first_id"]), "last_id": ids.get(one["last_id"])}
        for one in receipt["messages"]
    ]
    return {**receipt, "messages": runs}
