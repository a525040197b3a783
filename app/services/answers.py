"""Making one answer, in the background: ask Claude, store what came, and only then say that it is done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.claude.events import Event
from app.context import Counted, Prompt, settled
from app.errors import ColloquyError, ContextOverflow, InternalError
from app.extensions import claude, redactor
from app.models.charges import Charge
from app.models.messages import Message
from app.models.turns import Turn
from app.services import endings, logs, processes, receipts, summaries
from app.services.budgets import Payer
from app.services.endings import Ending
from app.services.transactions import reading, writing
from app.turns import veils
from app.turns.log import Log
from app.turns.run import THINKING_REMOVED, Outcome, run
from app.turns.runner import Running

PASSING_ERRORS = (OperationalError, InterfaceError, IntegrityError, TimeoutError)
# Between tries to store an answer: a database that restarts is waited for, about a minute.
PAUSES_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 5, 5, 10, 10, 10, 10)


@dataclass(frozen=True)
class Job:
    """A turn to carry out: the ids of its session and messages, the prompt, and the request that began it.

    `receipt` says what is in the prompt; `shorten` makes another where Claude finds it too long. The
    `charge_id` is that of what the `payer` has reserved for it, `previous_id` Claude's of the answer before.
    """

    session_id: str
    user_message_id: str
    message_id: str
    parent_id: str | None
    prompt: Prompt
    receipt: dict[str, Any]
    shorten: Callable[[Prompt, ContextOverflow], tuple[Prompt, dict[str, Any]]]
    request_id: str
    charge_id: str
    payer: Payer
    wants_summary: bool = False
    previous_id: str | None = None

    @property
    def ids(self) -> dict[str, Any]:
        """What `colloquy.turn` says."""
        names = ("session_id", "user_message_id", "message_id", "parent_id")
        return {name: getattr(self, name) for name in names}

    @property
    def first_events(self) -> list[Event]:
        """What the log begins with."""
        return [Event.made("colloquy.turn", self.ids), receipts.event(self.receipt)]


def carry_out(job: Job, turn: Running) -> None:
    """Make the answer. Whoever saw `colloquy.done` finds it stored."""
    asked: list[Iterator[Event]] = []

    def _ask(prompt: Prompt) -> Iterator[Event]:
        diagnostics = {"previous_message_id": job.previous_id}
        asked.append(claude().stream({**prompt.as_request(), "diagnostics": diagnostics}, turn.stop))
        return veils.drawn(asked[-1], redactor())

    end(job, turn.log, run(job.prompt, _ask, _shortened(job), turn.log, turn.stop))
    if job.wants_summary:
        summaries.refresh_soon(job.session_id, job.payer.key_id)
    for events in asked:
        with suppress(ColloquyError):
            deque(events, maxlen=0)  # read to the end, or the connection could not be used again


def _shortened(job: Job) -> Callable[[Prompt, ContextOverflow], tuple[Prompt, Event]]:
    def _shorten(prompt: Prompt, refusal: ContextOverflow) -> tuple[Prompt, Event]:
        shorter, receipt = job.shorten(prompt, refusal)
        return shorter, receipts.event(receipt)

    return _shorten


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
        last = _store(job, log, ending, outcome)
        events = _told_by_others(log) or ending.events() if last is None else [*log.unwritten(), *last]
        log.finish(events)


def _store(job: Job, log: Log, ending: Ending, outcome: Outcome) -> Sequence[Event] | None:
    """The last events, as they are stored; None where it is not this process's turn any more."""
    for pause in (*PAUSES_SECONDS, None):
        try:
            with writing() as session:
                mine = Turn.holder == processes.name()
                last = endings.store(session, ending, mine, log.written, log.unwritten())
                if last is None:  # deleted meanwhile, or ended by others: then nothing is open
                    endings.settle(session, ending, Charge.id == job.charge_id)
                else:
                    _note(session, job, outcome)
                return last
        except PASSING_ERRORS:
            if pause is None:
                raise
            time.sleep(pause)
            with suppress(*PASSING_ERRORS):
                logs.catch_up(log)
    raise AssertionError  # the loop ends by returning or raising


def _note(session: Session, job: Job, outcome: Outcome) -> None:
    """What was learned of the prompt: whose thinking fits no more, what was repaired, and the books."""
    if THINKING_REMOVED in outcome.repairs:
        refused = update(Message).where(Message.id.in_(job.prompt.thinking_ids))
        session.execute(refused.values(bound_to=None))
    answer: dict[str, Any] = {}
    if outcome.repairs:
        answer["bound_to"] = outcome.prompt.bound_to
        answer["context_state"] = outcome.prompt.state.as_json()
    if outcome.receipt:
        answer["context"] = outcome.receipt.payload
    answer |= _settle(session, outcome)
    if answer:
        session.execute(update(Message).where(Message.id == job.message_id).values(**answer))


def _settle(session: Session, outcome: Outcome) -> dict[str, Any]:
    """Store the sizes that Claude's count tells; what the answer's own row takes of it."""
    came = outcome.reply
    if not (came.usage and came.usage.prompt_tokens):
        return {}
    cached = came.usage.prompt_tokens - came.usage.input_tokens
    counted = Counted(
        came.usage.prompt_tokens, cached, came.usage.output_tokens, came.thinking_tokens, came.content
    )
    found = settled(outcome.prompt, counted)
    for message_id, tokens in found.counted.items():
        sizes = {"tokens": tokens, "tokens_model": outcome.prompt.model}
        session.execute(update(Message).where(Message.id == message_id).values(**sizes))
    return {
        "context_state": found.state.as_json(),
        "recalled": asdict(found.quotation) if found.quotation else None,
        "estimated_tokens": found.answer_tokens,
        "tokens_model": outcome.prompt.model,
    }


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
