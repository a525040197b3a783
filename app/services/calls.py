"""Calls that make summaries: one at a time a session, so many an hour, each one noted and charged."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.claude.events import Event
from app.claude.stop import Stop
from app.errors import ColloquyError, UpstreamTimeout
from app.extensions import claude, config
from app.models.base import now
from app.models.calls import SUMMARY, Call
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow
from app.services import idempotency, rates, tasks
from app.services.idempotency import Claim, Made
from app.services.identity import Caller
from app.services.transactions import writing
from app.turns import reply
from app.turns.reply import Reply, Usage

MOST_TRIES, WITHIN = 3, timedelta(hours=1)
LATEST = 10
MOST_EVENTS = 20_000
PAUSES_SECONDS = (0.1, 0.5, 2, 5, 10)  # between tries to store how a call ended
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


def begin(session_id: str, head_id: str, previous_id: str | None, *, is_limited: bool) -> Call | None:
    """Note a try; None where one is at work, another went on from the summary before, or no try is left."""
    with writing() as session:
        user_id = _lock(session, session_id)
        newest = tasks.newest(session, session_id, head_id)
        if user_id is None or (newest.id if newest else None) != previous_id:
            return None
        _end_dead(session, session_id)
        recent = select(Call.status).where(Call.session_id == session_id, Call.purpose == SUMMARY)
        statuses = session.scalars(recent.where(Call.created_at > now() - WITHIN)).all()
        if "running" in statuses or (is_limited and len(statuses) >= MOST_TRIES):
            return None
        call = Call(purpose=SUMMARY, model=config().summary_model, status="running")
        call.user_id, call.session_id = user_id, session_id
        session.add(call)
    return call


def heard(body: dict[str, Any], stop: Stop) -> tuple[Reply, ColloquyError | None]:
    """What Claude answers, and what it failed with; given up when it takes too long."""
    came: list[Event] = []
    watch = threading.Timer(_longest_seconds(), stop.set, ["interrupted"])
    watch.daemon = True
    watch.start()
    try:
        for event in islice(claude().stream(body, stop), MOST_EVENTS):
            came.append(event)
    except ColloquyError as error:
        return reply.read(came), UpstreamTimeout(LATE) if stop.is_set else error
    finally:
        watch.cancel()
    return reply.read(came), None


def end(call: Call, usage: Usage | None, made: SummaryRow | str, asker: Asker | None = None) -> None:
    """Store the summary, or the code of what went wrong, and charge what was used, once.

    Raises IntegrityError where the message that the summary reaches to is gone, and Taken.
    """
    for pause in (*PAUSES_SECONDS, None):
        try:
            _end(call, usage, made, asker)
            return
        except (OperationalError, InterfaceError, TimeoutError):
            if pause is None:
                raise
            time.sleep(pause)


def _end(call: Call, usage: Usage | None, made: SummaryRow | str, asker: Asker | None) -> None:
    spent, is_failed = usage or Usage(), isinstance(made, str)
    used = asdict(spent)
    said: dict[str, Any] = {"status": "failed" if is_failed else "done", "error": made if is_failed else None}
    is_open = (Call.id == call.id) & ((Call.status == "running") | (Call.error == DEAD))
    with writing() as session:
        if asker:
            idempotency.keep(session, asker.caller, asker.claim, Made(str(call.session_id)))
        user_id = _lock(session, str(call.session_id))
        ended = update(Call).where(is_open).values(**said, ended_at=now(), **(used if usage else {}))
        if session.scalar(ended.returning(Call.id)) is None:
            return  # it was stored although the database did not say so, or the session is gone
        sums: dict[Any, Any] = {name: getattr(ChatSession, name) + tokens for name, tokens in used.items()}
        charged = update(ChatSession).where(ChatSession.id == call.session_id)
        session.execute(charged.values(**sums, updated_at=now()))
        if user_id:
            rates.used(session, user_id, None, spent.prompt_tokens + spent.output_tokens)
        if isinstance(made, SummaryRow):
            session.add(made)


def _longest_seconds() -> float:
    """How long a call may take."""
    return 2 * config().silence_timeout_seconds


def _lock(session: Session, session_id: str) -> str | None:
    """Lock the session; whose it is, or None where it is gone."""
    return session.scalar(select(ChatSession.user_id).where(ChatSession.id == session_id).with_for_update())


def _end_dead(session: Session, session_id: str) -> None:
    """Calls that run for longer than they may were left by a process that ended."""
    since = now() - timedelta(seconds=2 * _longest_seconds())
    dead = update(Call).where(
        Call.session_id == session_id, Call.status == "running", Call.created_at < since
    )
    session.execute(dead.values(status="failed", error=DEAD, ended_at=now()))
