"""Making one answer, in the background: ask Claude, store what came, and only then say that it is done."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.claude.events import Event
from app.context import Prompt
from app.errors import ColloquyError, InternalError
from app.extensions import claude
from app.models.base import now
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.turns import Turn
from app.services import tree
from app.services.transactions import writing
from app.turns import reply
from app.turns.log import Log
from app.turns.reply import Reply, Usage
from app.turns.run import Outcome, run

TRIES_TO_STORE = 3
PAUSE_SECONDS = 0.2
UNFINISHED = ("running", "interrupted")


@dataclass(frozen=True)
class Job:
    """A turn to carry out: the ids of its session and messages, the prompt, and the request that began it."""

    session_id: str
    user_message_id: str
    message_id: str
    parent_id: str | None
    prompt: Prompt
    request_id: str

    @property
    def ids(self) -> dict[str, Any]:
        """What `colloquy.turn` says."""
        names = ("session_id", "user_message_id", "message_id", "parent_id")
        return {name: getattr(self, name) for name in names}


def carry_out(job: Job, log: Log) -> None:
    """Make the answer. Whoever saw `colloquy.done` finds it stored."""
    log.append(Event.made("colloquy.turn", job.ids))
    events = claude().stream(job.prompt.as_request())
    _end(job, log, run(events, log))
    with suppress(ColloquyError):
        deque(events, maxlen=0)  # read to the end, or the connection to Claude could not be used again


def give_up(job: Job, log: Log) -> None:
    """End an answer whose making failed: what came is kept if the database takes it, and the stream ends."""
    if log.is_closed:
        return
    error = InternalError("The answer could not be finished; what came is kept. Ask for it again.")
    came = [one for one in log.events if not one.name.startswith("colloquy.")]
    with suppress(SQLAlchemyError):
        _end(job, log, Outcome(reply.read(came), error))
        return
    _tell(job, log, Outcome(Reply(), error))


def _end(job: Job, log: Log, outcome: Outcome) -> None:
    for tries_left in reversed(range(TRIES_TO_STORE)):
        try:
            _store(job, outcome)
            break
        except OperationalError:
            if not tries_left:
                raise
            time.sleep(PAUSE_SECONDS)
    _tell(job, log, outcome)


def _tell(job: Job, log: Log, outcome: Outcome) -> None:
    log.error, log.usage = outcome.error, outcome.reply.usage
    if outcome.error:
        log.append(Event.made("error", _problem(job, outcome.error)))
    done = {"message_id": job.message_id, "status": outcome.status, "stop_reason": outcome.reply.stop_reason}
    log.append(Event.made("colloquy.done", done))
    log.close()


def _problem(job: Job, error: ColloquyError) -> dict[str, Any]:
    return {**error.as_problem(), "request_id": job.request_id}


def _store(job: Job, outcome: Outcome) -> None:
    with writing() as session:
        # The session first, as whoever deletes it does: two that lock in turn never wait for each other.
        session.scalar(select(ChatSession.id).where(ChatSession.id == job.session_id).with_for_update())
        session.execute(delete(Turn).where(Turn.message_id == job.message_id))
        message = session.scalar(select(Message).where(Message.id == job.message_id))
        if message is None or message.status not in UNFINISHED:
            return  # deleted meanwhile, or stored by a try before
        _fill(message, job, outcome)
        owner_id = _count(session, job.session_id, outcome.reply.usage)
        tree.index(session, message, owner_id)


def _fill(message: Message, job: Job, outcome: Outcome) -> None:
    came = outcome.reply
    message.content = came.content
    message.status = outcome.status
    message.model = came.model or job.prompt.model
    message.stop_reason = came.stop_reason
    message.problem = _problem(job, outcome.error) if outcome.error else None
    message.bound_to = job.prompt.bound_to
    message.updated_at = now()
    for name, tokens in asdict(came.usage).items() if came.usage else ():
        setattr(message, name, tokens)


def _count(session: Session, session_id: str, usage: Usage | None) -> str:
    """Add the usage to the session's totals; returns whose session it is."""
    used = asdict(usage or Usage())
    sums: dict[Any, Any] = {name: getattr(ChatSession, name) + tokens for name, tokens in used.items()}
    statement = update(ChatSession).where(ChatSession.id == session_id).values(**sums, updated_at=now())
    return session.execute(statement.returning(ChatSession.user_id)).scalar_one()
