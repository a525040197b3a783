"""How a turn ends in the database: the answer as far as it came, and the last events of its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.billing.usage import Usage
from app.claude.events import Event
from app.errors import ColloquyError
from app.extensions import redactor
from app.models.base import now
from app.models.charges import SETTLED, Charge
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.turns import Turn
from app.services import bills, charges, logs, tree
from app.services.transactions import after_commit
from app.telemetry import metrics
from app.turns.reply import Reply
from app.turns.veils import SEALED


@dataclass(frozen=True)
class Ending:
    """What an answer ended as, and the request that began it."""

    session_id: str
    message_id: str
    request_id: str
    reply: Reply
    status: str
    error: ColloquyError | None = None
    repairs: Sequence[str] = ()
    awaits: Sequence[dict[str, Any]] = ()

    @property
    def problem(self) -> dict[str, Any] | None:
        """The error as it is kept with the message, and sent."""
        if self.error is None:
            return None
        said = {**self.error.as_problem(), "request_id": self.request_id}
        return dict(redactor().within_problem(said))

    def events(self, charge: Charge | None = None) -> list[Event]:
        """The last events of the log: what it cost, where it did, and how it ended."""
        done: dict[str, Any] = {
            "message_id": self.message_id,
            "status": self.status,
            "stop_reason": self.reply.stop_reason,
        }
        if self.awaits:
            done["awaits"] = [one for one in self.awaits if "needs" in one]
        costs = [bills.event(charge)] if charge and charge.status == SETTLED else []
        wrong = [Event.made("error", self.problem)] if self.problem else []
        return [*costs, *wrong, Event.made("colloquy.done", done)]


def store(
    session: Session, ending: Ending, held: ColumnElement[bool], written: int, unwritten: Sequence[Event]
) -> Sequence[Event] | None:
    """End the turn in the caller's transaction; None where it is not `held` as the caller believes.

    `unwritten` are the events that follow number `written`, without those of the ending, which are returned.
    """
    # The session first, as whoever deletes it does: two that lock in turn never wait for each other.
    session.scalar(select(ChatSession.id).where(ChatSession.id == ending.session_id).with_for_update())
    gone = delete(Turn).where(Turn.message_id == ending.message_id, held).returning(Turn.message_id)
    if session.scalar(gone) is None:
        return None
    message = session.scalars(select(Message).where(Message.id == ending.message_id)).one()
    fill(message, ending.reply)
    message.status, message.problem = ending.status, ending.problem
    message.repairs, message.awaits = list(ending.repairs) or None, list(ending.awaits) or None
    tree.index(session, message, count(session, ending.session_id, ending.reply))
    last = ending.events(settle(session, ending, Charge.message_id == ending.message_id))
    logs.store(session, ending.message_id, written, [*unwritten, *last])
    after_commit(session, metrics.TURNS.labels(ending.status).inc)
    return last


def settle(session: Session, ending: Ending, which: ColumnElement[bool]) -> Charge | None:
    """Pay for it; nothing where Claude refused the call."""
    return charges.settle(session, which, ending.reply, is_refused=ending.status == "failed")


def fill(message: Message, came: Reply) -> None:
    """Write an answer into its row."""
    message.content = redactor().within(came.content, SEALED)  # a tool's input may have had odd escapes
    message.model = came.model or message.model
    message.stop_reason = came.stop_reason
    message.upstream_id = came.upstream_id
    message.updated_at = now()
    for name, tokens in came.usage.tokens.items() if came.usage else ():
        setattr(message, name, tokens)


def count(session: Session, session_id: str, came: Reply, new_messages: int = 0) -> str:
    """Add usage and messages to the session's totals; returns whose session it is."""
    used = (came.usage or Usage()).tokens
    sums: dict[Any, Any] = {name: getattr(ChatSession, name) + tokens for name, tokens in used.items()}
    sums["messages"] = ChatSession.messages + new_messages
    statement = update(ChatSession).where(ChatSession.id == session_id)
    counted = statement.values(**sums, updated_at=now()).returning(ChatSession.user_id)
    return session.execute(counted).scalar_one()
