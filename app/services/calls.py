"""Calls that make summaries: one at a time a session, so many an hour, each one noted and charged."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.billing.usage import Usage
from app.claude.events import Event
from app.claude.stop import Stop
from app.errors import ColloquyError, UpstreamTimeout
from app.extensions import claude, config, parts, redactor
from app.models.base import now
from app.models.calls import SUMMARY, Call
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow
from app.services import charges, idempotency, processes, tasks
from app.services.budgets import Payer
from app.services.charges import Order
from app.services.idempotency import Claim, Made
from app.services.identity import Caller
from app.services.tasks import Task
from app.services.transactions import reading, writing
from app.turns import reply, veils
from app.turns.reply import Reply

MOST_TRIES, WITHIN = 3, timedelta(hours=1)
LATEST = 10
MOST_EVENTS = 20_000
PAUSES_SECONDS = (0.1, 0.5, 2, 5, 10)  # between tries to store how a call ended
GRACE = timedelta(seconds=10)  # more than a process needs to renew once the database is there again
DEAD = "interrupted"
LATE = "Claude took too long to write the summary: try again."


@dataclass(frozen=True)
class Asker:
    """Who asked for a summary, and the request that is to have its effect once."""

    caller: Caller
    claim: Claim | None


def latest(session: Session, session_id: str) -> list[Call]:
    """A session's last calls for summaries, the newest first."""
    of_session = select(Call).where(Call.session_id == session_id, Call.purpose == SUMMARY)
    return list(session.scalars(of_session.order_by(Call.created_at.desc(), Call.id.desc()).limit(LATEST)))


@dataclass(frozen=True)
class Begun:
    """A call that is noted, and the charge that is open for it."""

    call: Call
    charge_id: str


def begin(task: Task, order: Order, key_id: str | None, *, is_limited: bool) -> Begun | None:
    """Note a try; None where one is at work, another went on from the summary before, or no try is left.

    Raises BudgetExhausted.
    """
    session_id = task.session_id
    with writing() as session:
        user_id = _lock(session, session_id)
        newest = tasks.newest(session, session_id, task.head_id)
        if user_id is None or (newest.id if newest else None) != task.previous_id:
            return None
        recent = select(Call.status).where(Call.session_id == session_id, Call.purpose == SUMMARY)
        statuses = session.scalars(recent.where(Call.created_at > now() - WITHIN)).all()
        if "running" in statuses or (is_limited and len(statuses) >= MOST_TRIES):
            return None
        call = Call(purpose=order.purpose, model=order.model, status="running", holder=processes.name())
        call.user_id, call.session_id, call.leased_until = user_id, session_id, _until()
        session.add(call)
        session.flush()
        charge_id = charges.open_for(session, Payer(user_id, key_id, session_id), order, call_id=call.id)
    parts().running_calls.add(call.id)
    return Begun(call, charge_id)


def renew() -> None:
    """Say that the calls of this process are alive."""
    if running := list(parts().running_calls):
        with writing() as session:
            session.execute(update(Call).where(Call.id.in_(running)).values(leased_until=_until()))


def end_dead() -> None:
    """End the calls that processes left when they died; their charges are settled after that."""
    is_dead = Call.leased_until.is_(None) | (Call.leased_until < now() - GRACE)
    running = select(Call.id, Call.holder, is_dead).where(Call.status == "running")
    with reading() as session:
        rows = session.execute(running).all()
    dead = [id_ for id_, holder, is_old in rows if is_old or processes.is_gone(str(holder))]
    if dead:
        with writing() as session:
            gone = update(Call).where(Call.id.in_(dead), Call.status == "running")
            session.execute(gone.values(status="failed", error=DEAD, ended_at=now()))


def heard(body: dict[str, Any], stop: Stop) -> tuple[Reply, ColloquyError | None]:
    """What Claude answers, and what it failed with; given up when it takes too long."""
    came: list[Event] = []
    watch = threading.Timer(_longest_seconds(), stop.set, ["interrupted"])
    watch.daemon = True
    watch.start()
    try:
        for event in islice(veils.drawn(claude().stream(body, stop), redactor()), MOST_EVENTS):
            came.append(event)
    except ColloquyError as error:
        return reply.read(came), UpstreamTimeout(LATE) if stop.is_set else error
    finally:
        watch.cancel()
    return reply.read(came), None


def end(of: Begun, came: Reply, made: SummaryRow | str, asker: Asker | None = None) -> None:
    """Store the summary, or the code of what went wrong, and pay for what was used, once.

    Raises IntegrityError where the message that the summary reaches to is gone, and Taken.
    """
    parts().running_calls.discard(of.call.id)
    for pause in (*PAUSES_SECONDS, None):
        try:
            _end(of, came, made, asker)
            return
        except (OperationalError, InterfaceError, TimeoutError):
            if pause is None:
                raise
            time.sleep(pause)


def _end(of: Begun, came: Reply, made: SummaryRow | str, asker: Asker | None) -> None:
    call, usage, is_failed = of.call, came.usage, isinstance(made, str)
    used = (usage or Usage()).tokens
    said: dict[str, Any] = {"status": "failed" if is_failed else "done", "error": made if is_failed else None}
    is_open = (Call.id == call.id) & ((Call.status == "running") | (Call.error == DEAD))
    with writing() as session:
        if asker:
            idempotency.keep(session, asker.caller, asker.claim, Made(str(call.session_id)))
        _lock(session, str(call.session_id))
        charges.settle(session, came, is_refused=is_failed, id=of.charge_id)
        ended = update(Call).where(is_open).values(**said, ended_at=now(), **(used if usage else {}))
        if session.scalar(ended.returning(Call.id)) is None:
            return  # it was stored although the database did not say so, or the session is gone
        sums: dict[Any, Any] = {name: getattr(ChatSession, name) + tokens for name, tokens in used.items()}
        charged = update(ChatSession).where(ChatSession.id == call.session_id)
        session.execute(charged.values(**sums, updated_at=now()))
        if isinstance(made, SummaryRow):
            session.add(made)


def _longest_seconds() -> float:
    """How long a call may take."""
    return 2 * config().silence_timeout_seconds


def _lock(session: Session, session_id: str) -> str | None:
    """Lock the session; whose it is, or None where it is gone."""
    return session.scalar(select(ChatSession.user_id).where(ChatSession.id == session_id).with_for_update())


def _until() -> datetime:
    """How long a call is believed in without a sign of life."""
    return now() + timedelta(seconds=config().lease_seconds)
