"""Making one answer, in the background: ask Claude, store what came, and only then say that it is done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.claude.events import Event
from app.context import Prompt
from app.errors import ColloquyError, InternalError
from app.extensions import claude
from app.models.messages import Message
from app.models.turns import Turn
from app.services import endings, logs, processes
from app.services.endings import Ending
from app.services.transactions import reading, writing
from app.turns.log import Log
from app.turns.run import THINKING_REMOVED, Outcome, run
from app.turns.runner import Running

PASSING_ERRORS = (OperationalError, InterfaceError, IntegrityError, TimeoutError)
# Between tries to store an answer: a database that restarts is waited for, about a minute.
PAUSES_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 5, 5, 10, 10, 10, 10)


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

    @property
    def first_event(self) -> Event:
        """What the log begins with."""
        return Event.made("colloquy.turn", self.ids)


def carry_out(job: Job, turn: Running) -> None:
    """Make the answer. Whoever saw `colloquy.done` finds it stored."""
    asked: list[Iterator[Event]] = []

    def _ask(prompt: Prompt) -> Iterator[Event]:
        asked.append(claude().stream(prompt.as_request(), turn.stop))
        return asked[-1]

    end(job, turn.log, run(job.prompt, _ask, turn.log, turn.stop))
    for events in asked:
        with suppress(ColloquyError):
            deque(events, maxlen=0)  # read to the end, or the connection could not be used again


def give_up(job: Job, turn: Running) -> None:
    """End an answer whose making failed, with what was stored of it.

    Where that cannot be stored either, readers are let go without an end: the lease runs out, and whoever
    comes back finds how it ended.
    """
    if turn.log.is_closed:
        return
    error = InternalError("The answer could not be finished; what came is kept. Ask for it again.")
    end(job, turn.log, Outcome(job.prompt, logs.reply_of(turn.log.events), "failed", error))


def end(job: Job, log: Log, outcome: Outcome) -> None:
    """Store how it ended, and then tell. What another process has made of it meanwhile is told instead."""
    ending = _ending(job, outcome)
    log.usage = outcome.reply.usage
    with log.writer:
        is_ours = _store(job, log, ending, outcome)
        events = [*log.unwritten(), *ending.events] if is_ours else _told_by_others(log) or ending.events
        log.finish(events)


def _store(job: Job, log: Log, ending: Ending, outcome: Outcome) -> bool:
    for pause in (*PAUSES_SECONDS, None):
        try:
            with writing() as session:
                mine = Turn.holder == processes.name()
                is_ours = endings.store(session, ending, mine, log.written, log.unwritten())
                if is_ours:
                    _bind(session, job, outcome)
                return is_ours
        except PASSING_ERRORS:
            if pause is None:
                raise
            time.sleep(pause)
            with suppress(*PASSING_ERRORS):
                logs.catch_up(log)
    raise AssertionError  # the loop ends by returning or raising


def _bind(session: Session, job: Job, outcome: Outcome) -> None:
    """Where thinking had to be removed, remember that it no longer fits, and what the answer is bound to."""
    if THINKING_REMOVED in outcome.repairs:
        refused = update(Message).where(Message.id.in_(job.prompt.thinking_ids))
        session.execute(refused.values(bound_to=None))
        answer = update(Message).where(Message.id == job.message_id)
        session.execute(answer.values(bound_to=outcome.prompt.bound_to))


def _told_by_others(log: Log) -> Sequence[Event]:
    with reading() as session:
        return logs.stored(session, log.message_id, log.written)


def _ending(job: Job, outcome: Outcome) -> Ending:
    return Ending(
        job.session_id,
        job.message_id,
        job.request_id,
        outcome.reply,
        outcome.status,
        outcome.error,
        outcome.repairs,
    )
