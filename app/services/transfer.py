"""Sessions as documents: out in one piece, and in again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.usage import CLASSES
from app.context.tokens import of_content
from app.errors import Fault, Invalid
from app.extensions import redactor
from app.models.base import Model, new_id, now
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.services import audit, sessions, tree
from app.services.idempotency import Claim
from app.services.identity import Caller
from app.services.sessions import Created
from app.services.texts import plain_text
from app.services.transactions import reading, writing
from app.services.tree import Place
from app.turns.veils import SEALED

FORMAT, VERSION = "colloquy.session", 1
SAID_OF_SESSION = ("title", "system", "client_metadata")
SAID = ("content", "problem", "client_metadata")
NAMES = {"user": "You", "assistant": "Claude"}


@dataclass(frozen=True)
class Document:
    """A session and all its messages, every branch, parents before children."""

    exported_at: datetime
    session: ChatSession
    messages: list[Message]


def export(caller: Caller, session_id: str) -> Document:
    """The whole session; the audit log says so."""
    with reading() as session:
        chat = sessions.readable(session, caller, session_id)
        rows = session.scalars(
            select(Message).where(Message.session_id == session_id).order_by(Message.number)
        )
        document = Document(now(), chat, list(rows))
    for row, names in ((chat, SAID_OF_SESSION), *((one, SAID) for one in document.messages)):
        _mask(row, names)
    _note_export(caller, session_id, "json")
    return document


def as_markdown(caller: Caller, session_id: str) -> str:
    """The path to the head, for reading; the audit log says so."""
    with reading() as session:
        chat = sessions.readable(session, caller, session_id)
        head = tree.message_at(session, chat.head_id)
        path = tree.whole_path(session, head) if head else []
    _note_export(caller, session_id, "md")
    parts = [f"# {chat.title or 'Untitled'}", *(_section(message) for message in path)]
    return redactor().known("\n\n".join(parts) + "\n")


def _mask(row: Model, names: Sequence[str]) -> None:
    """What was stored before a secret was known leaves without it too; the row is no more the database's."""
    for name in names:
        setattr(row, name, redactor().within(getattr(row, name), SEALED))


def import_(
    caller: Caller, settings: dict[str, Any], messages: list[dict[str, Any]], claim: Claim | None = None
) -> Created:
    """A new session from a document's settings and messages; ids are new, times and usage are kept."""
    old_head = settings.pop("head_id", None)

    def _make(session: Session, session_id: str) -> ChatSession:
        chat = sessions.added(session, caller, session_id, messages=len(messages), **settings)
        stored = _store_all(session, chat.id, messages)
        for name in CLASSES:
            setattr(chat, name, sum(getattr(row, name) or 0 for row in stored.rows))
        chat.head_id = stored.head(old_head)
        session.flush()
        for row in stored.rows:
            tree.index(session, row, caller.user_id)
        return chat

    return sessions.made_once(caller, claim, _make)


class _Stored:
    """What was stored so far: the rows, where each stands, and which new id an old one has."""

    def __init__(self) -> None:
        self.rows: list[Message] = []
        self.new_ids: dict[str, str] = {}
        self._places: dict[str, Place] = {}
        self._taken: set[tuple[str, int]] = set()

    def place(self, one: dict[str, Any], at: int, message_id: str) -> Place:
        """Where the message at this index goes: below `parent_id`, or, without one, below the one before."""
        parent = self._parent(one, at)
        if parent is None:
            place = Place(None, message_id, 0)
        else:
            above = self._places[parent]
            is_taken = (above.branch_id, above.depth + 1) in self._taken
            place = Place(parent, message_id if is_taken else above.branch_id, above.depth + 1)
        self._places[message_id] = place
        self._taken.add((place.branch_id, place.depth))
        return place

    def head(self, old_id: str | None) -> str | None:
        """The new id of the head: the last message where none is named."""
        if old_id is None:
            return self.rows[-1].id if self.rows else None
        if old_id in self.new_ids:
            return self.new_ids[old_id]
        fault = Fault("/session/head_id", "names no message of the document")
        raise Invalid("The session stands at no message.", faults=[fault])

    def _parent(self, one: dict[str, Any], at: int) -> str | None:
        if "parent_id" not in one:
            return self.rows[-1].id if self.rows else None
        if one["parent_id"] is None:
            return None
        if one["parent_id"] in self.new_ids:
            return self.new_ids[one["parent_id"]]
        fault = Fault(f"/messages/{at}/parent_id", "names no message that stands before this one")
        raise Invalid("The messages do not make a tree.", faults=[fault])


def _store_all(session: Session, session_id: str, messages: list[dict[str, Any]]) -> _Stored:
    stored = _Stored()
    for at, one in enumerate(messages):
        message_id = new_id("msg")
        row = Message(
            id=message_id, session_id=session_id, **vars(stored.place(one, at, message_id)), **_columns(one)
        )
        session.add(row)
        stored.rows.append(row)
        if one.get("id") in stored.new_ids:
            fault = Fault(f"/messages/{at}/id", "stands in the document twice")
            raise Invalid("The messages do not make a tree.", faults=[fault])
        if one.get("id"):
            stored.new_ids[one["id"]] = message_id
    session.flush()
    return stored


def _columns(one: dict[str, Any]) -> dict[str, Any]:
    at = one.get("created_at") or now()
    status = one.get("status") or "complete"
    usage = one.get("usage") or {}
    return {
        "role": one["role"],
        "content": one["content"],
        "status": "interrupted" if status == "running" else status,
        "model": one.get("model"),
        "stop_reason": one.get("stop_reason"),
        "problem": one.get("error"),
        "client_metadata": one.get("metadata") or {},
        "bound_to": one.get("bound_to"),
        "repairs": one.get("repairs") or None,
        "is_pinned": one.get("is_pinned", False),
        "estimated_tokens": of_content(one["content"]),
        "created_at": at,
        "updated_at": at,
        **{name: usage.get(name) for name in CLASSES},
    }


def _note_export(caller: Caller, session_id: str, form: str) -> None:
    with writing() as session:
        audit.note(session, caller, "session.export", session_id, {"format": form})


def _section(message: Message) -> str:
    content = message.content
    others = [f"*[{one['type']}]*" for one in content if one["type"] not in {"text", "thinking"}]
    note = "" if message.status == "complete" else f"\n\n*({message.status})*"
    return f"## {NAMES[message.role]}\n\n" + "\n\n".join([plain_text(content), *others]).strip() + note
