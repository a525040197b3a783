"""How a turn ends in the database: the answer as far as it came, and the last events of its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.billing.usage import Usage
from app.claude.events import Event
from app.errors import ColloquyError
from app.extensions import dialect, redactor
from app.models.base import now
from app.models.charges import SETTLED, Charge
from app.models.messages import end_message, waiting_in
from app.models.sessions import add_to_totals, lock_session
from app.models.turns import delete_turn
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
    learned: Mapping[str, Any] = field(default_factory=dict)

    @property
    def of_answer(self) -> dict[str, Any]:
        """What the answer's row says of how it ended, besides what Claude said and what was `learned`."""
        said = {"repairs": list(self.repairs) or None, "awaits": list(self.awaits) or None}
        return {"status": self.status, "problem": self.problem, **said, **self.learned}

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
            done["awaits"] = waiting_in(self.awaits)
        costs = [bills.event(charge)] if charge and charge.status == SETTLED else []
        wrong = [Event.made("error", self.problem)] if self.problem else []
        return [*costs, *wrong, Event.made("colloquy.done", done)]


def store(
    session: Session, ending: Ending, held: Mapping[str, Any], written: int, unwritten: Sequence[Event]
) -> Sequence[Event] | None:
    """End the turn in the caller's transaction; None where it is not `held` as the caller believes.

    `unwritten` are the events that follow number `written`, without those of the ending, which are returned.
    """
    lock(session, ending.session_id)
    mine = {"message_id": ending.message_id, **held}
    if delete_turn(*mine).row(session, mine) is None:
        return None
    row = {**of_answer(ending.reply), **ending.of_answer}
    number = end_message().value(session, {"of": ending.message_id, **row})
    place = {"session_id": ending.session_id, "user_id": count(session, ending.session_id, ending.reply)}
    tree.index_content(session, number, row["content"], **place)
    last = ending.events(settle(session, ending, message_id=ending.message_id))
    logs.store(session, ending.message_id, written, [*unwritten, *last])
    after_commit(session, metrics.TURNS.labels(ending.status).inc)
    return last


def lock(session: Session, session_id: str) -> None:
    """Lock the session first, as whoever deletes it does: two that lock in turn never wait for each other."""
    if dialect() != "sqlite":  # which has one writer
        lock_session().run(session, {"id": session_id})


def settle(session: Session, ending: Ending, **which: str) -> Charge | None:
    """Pay for it; nothing where Claude refused the call."""
    return charges.settle(session, ending.reply, is_refused=ending.status == "failed", **which)


def of_answer(came: Reply) -> dict[str, Any]:
    """What the row of an answer says of it."""
    return {
        "content": redactor().within(came.content, SEALED),  # a tool's input may have had odd escapes
        "stop_reason": came.stop_reason,
        "upstream_id": came.upstream_id,
        "updated_at": now(),
        **({"model": came.model} if came.model else {}),
        **(came.usage.tokens if came.usage else {}),
    }


def count(session: Session, session_id: str, came: Reply, new_messages: int = 0) -> str:
    """Add usage and messages to the session's totals; returns whose session it is."""
    sums = {**(came.usage or Usage()).tokens, "messages": new_messages}
    more = {f"more_{name}": number for name, number in sums.items()}
    return str(add_to_totals(*sums).value(session, {"of": session_id, "at": now(), **more}))
