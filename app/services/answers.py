"""Making one answer, in the background: ask Claude, store what came, and only then say that it is done."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.claude.events import Event
from app.context import Prompt
from app.errors import ColloquyError
from app.extensions import claude
from app.models.base import now
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.turns import Turn
from app.services import tree
from app.services.transactions import writing
from app.turns.log import Log
from app.turns.reply import Usage
from app.turns.run import Outcome, run


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
    outcome = run(events, log)
    problem = {**outcome.error.as_problem(), "request_id": job.request_id} if outcome.error else None
    _store(job, outcome, problem)
    log.error, log.usage = outcome.error, outcome.reply.usage
    if problem:
        log.append(Event.made("error", problem))
    done = {"message_id": job.message_id, "status": outcome.status, "stop_reason": outcome.reply.stop_reason}
    log.append(Event.made("colloquy.done", done))
    log.close()
    with suppress(ColloquyError):
        deque(events, maxlen=0)  # read to the end, or the connection to Claude could not be used again


def _store(job: Job, outcome: Outcome, problem: dict[str, Any] | None) -> None:
    with writing() as session:
        session.execute(delete(Turn).where(Turn.message_id == job.message_id))
        message = session.scalar(select(Message).where(Message.id == job.message_id))
        if message is None:  # deleted while it was being made
            return
        _fill(message, job, outcome, problem)
        owner_id = _count(session, job.session_id, outcome.reply.usage)
        tree.index(session, message, owner_id)


def _fill(message: Message, job: Job, outcome: Outcome, problem: dict[str, Any] | None) -> None:
    reply = outcome.reply
    message.content = reply.content
    message.status = outcome.status
    message.model = reply.model or job.prompt.model
    message.stop_reason = reply.stop_reason
    message.problem = problem
    message.bound_to = job.prompt.bound_to
    message.updated_at = now()
    for name, tokens in asdict(reply.usage).items() if reply.usage else ():
        setattr(message, name, tokens)


def _count(session: Session, session_id: str, usage: Usage | None) -> str:
    """Add the usage to the session's totals; returns whose session it is."""
    used = asdict(usage or Usage())
    sums: dict[Any, Any] = {name: getattr(ChatSession, name) + tokens for name, tokens in used.items()}
    statement = update(ChatSession).where(ChatSession.id == session_id).values(**sums, updated_at=now())
    return session.execute(statement.returning(ChatSession.user_id)).scalar_one()
