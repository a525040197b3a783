"""Turns: begin one, wait for it, stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.errors import Draining, NotFound, SessionBusy, from_problem
from app.extensions import config, parts, redactor
from app.models.messages import Message, select_two
from app.models.sessions import ChatSession
from app.models.turns import Turn
from app.services import beginnings, idempotency, logs, messages, preparations, rates, sessions
from app.services.answers import carry_out, give_up
from app.services.idempotency import Claim, Made, Taken
from app.services.identity import Caller
from app.services.jobs import Job
from app.services.preparations import Draft, HeadMoved
from app.services.transactions import reading, writing
from app.telemetry import metrics, redaction, tracing
from app.turns.log import Log
from app.turns.runner import Running

TRIES_AT_THE_HEAD = 3
EVENTS_BEFORE_CLAUDE = 2  # colloquy.turn and colloquy.context
PAUSE_SECONDS = 0.02
LOOK_SECONDS = 0.2  # between two looks whether a session is free, or the server is about to stop
LONGEST_CANCEL_SECONDS = 10
LONGEST_STOP_SECONDS = 5
SECONDS_TO_RESTART = 5


@dataclass(frozen=True)
class Begun:
    """A turn that was begun, now or by the same request before: the ids, and the log of its events."""

    made: Made
    log: Log | None
    is_replayed: bool = False


def start(caller: Caller, draft: Draft, request_id: str, claim: Claim | None = None) -> Begun:
    """Store the message and begin its answer.

    Raises NotFound, ContextOverflow, SessionBusy, IdempotencyKeyReused, RateLimited and Draining before
    anything is stored; the rest is in the log.
    """
    root = tracing.root()
    with parts().starting, tracing.within(root), tracing.ending_on_error(root):
        return _start_in_turn(caller, draft, request_id, claim)


def replayed(caller: Caller, claim: Claim | None) -> Begun | None:
    """The turn that the same request began before; raises IdempotencyKeyReused."""
    if claim is None:
        return None
    with reading() as session:
        made = idempotency.made(session, caller, claim)
    return _again(made) if made else None


def _start_in_turn(caller: Caller, draft: Draft, request_id: str, claim: Claim | None) -> Begun:
    """At once, or when those who came before have had their turn."""
    if not (draft.waits and draft.session_id):
        return _start(caller, draft, request_id, claim)
    ends_at = time.monotonic() + config().queue_seconds
    with parts().lines.waiting(draft.session_id) as is_first:
        while True:
            try:
                if _comes_first(is_first):
                    return _start(caller, draft, request_id, claim)
                refuse_if_draining()
            except SessionBusy as busy:
                _wait_for(busy, ends_at)
            if time.monotonic() > ends_at:
                raise sessions.busy(draft.session_id)


def opened(begun: Begun) -> Log:
    """The log, once Claude has begun to answer; what failed before that is raised: it still fits a status."""
    if begun.log is None:
        finished(begun)
        raise logs.gone(begun.made.message_id)
    first = next(begun.log.follow(after=EVENTS_BEFORE_CLAUDE), None)
    if first is None or first[1].name == "error":
        finished(begun)
    return begun.log


def finished(begun: Begun) -> tuple[Any, Any]:
    """The rows of the message and its answer, once that has ended.

    Raises what Claude failed with, which names both.
    """
    if begun.log:
        begun.log.wait()
    ids = {"one": begun.made.user_message_id, "other": begun.made.message_id}
    with reading() as session:
        found = {row.id: row for row in select_two().rows(session, ids)}
    if len(found) < len(ids):
        raise NotFound("It was deleted, or its session was.")
    asked, answer = (found[id_] for id_ in ids.values())
    if answer.status == "failed" and answer.problem:
        error = from_problem(answer.problem)
        error.about = vars(begun.made)
        error.is_replayed = begun.is_replayed
        raise error
    return asked, answer


def cancel(caller: Caller, message_id: str) -> Message:
    """Stop the answer and keep what came, whichever process makes it; one that has ended stays as it is."""
    with reading() as session:
        message = messages.own(session, caller, message_id)
    if message.status != "running":
        return message
    if not parts().runner.stop(message_id, "cancelled"):
        with writing() as session:
            session.execute(update(Turn).where(Turn.message_id == message_id).values(is_cancelled=True))
    log = logs.find(message_id)
    if log:
        log.wait(LONGEST_CANCEL_SECONDS)
    return messages.get(caller, message_id)


def drain(most_seconds: float) -> None:
    """Take no new turns, let those that run end, and interrupt those that are not done in time."""
    parts().is_draining = True
    ends_at = time.monotonic() + most_seconds
    parts().starting.wait_for_none(most_seconds)  # who came before it was told to end
    if not parts().runner.wait(ends_at - time.monotonic()):
        parts().runner.stop_all("interrupted")
        parts().runner.wait(LONGEST_STOP_SECONDS)


def refuse_if_draining() -> None:
    """Raises Draining once the server is about to stop."""
    if parts().is_draining:
        wait = {"Retry-After": str(SECONDS_TO_RESTART)}
        raise Draining("The server is about to stop: send again a little later.", headers=wait)


def _wait_for(busy: SessionBusy, ends_at: float) -> None:
    """Until the answer that the session is busy with has ended, or some time has passed."""
    log = logs.find(busy.about.get("message_id", ""))
    if log is None:
        time.sleep(PAUSE_SECONDS)  # it has just ended, or the head moves all the time
    while log and time.monotonic() < ends_at and not log.wait(LOOK_SECONDS):
        refuse_if_draining()


def _comes_first(is_first: threading.Event) -> bool:
    with tracing.span("queue"):
        return is_first.wait(LOOK_SECONDS)


def _start(caller: Caller, draft: Draft, request_id: str, claim: Claim | None) -> Begun:
    began = time.perf_counter()
    for _ in range(TRIES_AT_THE_HEAD):
        with tracing.span("admit"), reading() as session:
            made = idempotency.made(session, caller, claim)
            if not made:
                rates.refuse_without_tokens(session, caller)
            chat = _free(session, caller, draft.session_id) if draft.session_id and not made else None
        if made:
            return _again(made)
        refuse_if_draining()
        with suppress(Taken, HeadMoved):
            start = preparations.prepare(caller, draft, chat)
            return _hand_over(beginnings.store(caller, draft, start, request_id, claim), began)
    raise sessions.busy(draft.session_id or "The session")


def _again(made: Made) -> Begun:
    """A turn that was begun before. The log is looked for outside of any transaction: it needs its own."""
    return Begun(made, logs.find(made.message_id), is_replayed=True)


def _free(session: Session, caller: Caller, session_id: str) -> ChatSession:
    """The caller's session, which must not be answering."""
    chat = sessions.own(session, caller, session_id)
    if chat.is_running:
        sessions.refuse_if_busy(session, session_id)
    return chat


def _hand_over(job: Job, began: float) -> Begun:
    of, masks = parts(), redactor()  # which knows the caller's key, for as long as the turn runs
    waits = tracing.start("hand_over")

    def _within(act: Callable[[Job, Running], None]) -> Callable[[Running], None]:
        def _act(turn: Running) -> None:
            tracing.end(waits)
            with of.context(), redaction.knowing(masks), metrics.waiting_since(began):
                act(job, turn)

        return _act

    log = Log(job.message_id, job.first_events)
    log.write_with(of.journal.note)
    of.runner.start(log, _within(carry_out), _within(give_up))
    return Begun(job.made, log)
