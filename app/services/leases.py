"""A running turn is believed in while its process gives signs of life; then its message is `interrupted`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import aliased

from app.claude.events import Event
from app.errors import TurnInterrupted
from app.extensions import Parts, config, parts
from app.models.base import now
from app.models.messages import Message
from app.models.turn_events import TurnEvents
from app.models.turns import Turn
from app.services import endings, idempotency, logs, processes
from app.services.endings import Ending
from app.services.transactions import reading, writing
from app.telemetry.logging import logger
from app.turns import reply
from app.turns.runner import keep_doing

log_lines = logger("leases")
LOOKS_A_LEASE = 3
LONGEST_PAUSE_SECONDS = 5.0  # so that what a dead process left is found soon, however long a lease is
CANCEL_LOOK_SECONDS = 0.25
PRUNE_SECONDS = 60.0
ROWS_A_PRUNING = 1_000
DIED = "The process that made the answer died; what came is kept: continue or regenerate it."


def lease_for(answer: Message, request_id: str) -> Turn:
    """The row that says that this process makes the answer."""
    until = now() + timedelta(seconds=config().lease_seconds)
    return Turn(
        message_id=answer.id,
        session_id=answer.session_id,
        holder=processes.name(),
        leased_until=until,
        request_id=request_id,
    )


def renew() -> None:
    """Say that the turns of this process are alive."""
    running = parts().runner.running
    if running:
        mine = Turn.message_id.in_(running) & (Turn.holder == processes.name())
        until = now() + timedelta(seconds=config().lease_seconds)
        with writing() as session:
            session.execute(update(Turn).where(mine).values(leased_until=until))


def recover() -> int:
    """End the turns of processes that died: those whose lease ran out, and those known to be gone."""
    with reading() as session:
        lost = [one for one in session.scalars(select(Turn)) if _is_lost(one)]
    count = sum(_interrupt(one) for one in lost)
    if count:
        log_lines.warning("%d answers of a process that died are interrupted", count)
    return count


def stop_cancelled() -> None:
    """Stop the turns of this process that another one was asked to cancel."""
    running = parts().runner.running
    if running:
        with reading() as session:
            asked = session.scalars(select(Turn.message_id).where(Turn.is_cancelled)).all()
        for one in filter(None, map(parts().runner.find, asked)):
            one.stop.set("cancelled")


def prune() -> None:
    """Let go of the events of turns that ended long ago, a few at a time, and of old idempotency keys."""
    before = now() - timedelta(seconds=config().events_kept_seconds)
    later = aliased(TurnEvents)
    goes_on = exists().where(later.message_id == TurnEvents.message_id, later.written_at >= before)
    runs = exists().where(Turn.message_id == TurnEvents.message_id)
    old = select(TurnEvents.message_id).where(TurnEvents.written_at < before, ~goes_on, ~runs)
    ids: Sequence[str] = ("",)
    while ids:
        with writing() as session:
            ids = session.scalars(old.limit(ROWS_A_PRUNING)).all()
            session.execute(delete(TurnEvents).where(TurnEvents.message_id.in_(set(ids))))
    idempotency.prune()


def keep_watch() -> None:
    """Renew, recover, cancel and prune for as long as the process lives, in the background."""
    of = parts()
    pause = min(config().lease_seconds / LOOKS_A_LEASE, LONGEST_PAUSE_SECONDS)
    for act, seconds in ((_look_after, pause), (stop_cancelled, CANCEL_LOOK_SECONDS), (prune, PRUNE_SECONDS)):
        keep_doing(_every(of, act, seconds))


def _look_after() -> None:
    renew()
    recover()


def _every(of: Parts, act: Callable[[], object], seconds: float) -> Callable[[], bool]:
    def _act() -> bool:
        time.sleep(seconds)
        with of.context():
            act()
        return True

    return _act


def _is_lost(turn: Turn) -> bool:
    if turn.message_id in parts().runner.running:
        return False
    return turn.leased_until < now() or processes.is_gone(turn.holder)


def _interrupt(turn: Turn) -> bool:
    """End it with what it said, unless it has given a sign of life meanwhile; whether it was ended."""
    as_seen = (Turn.holder == turn.holder) & (Turn.leased_until == turn.leased_until)
    with writing() as session:
        events = logs.stored(session, turn.message_id)
        return endings.store(session, _ending(turn, events), as_seen, len(events), ())


def _ending(turn: Turn, events: Sequence[Event]) -> Ending:
    came = reply.read(one for one in events if not one.name.startswith("colloquy."))
    ids = (turn.session_id, turn.message_id, turn.request_id)
    if came.is_complete:
        return Ending(*ids, came, "complete")
    if turn.is_cancelled:
        return Ending(*ids, came, "cancelled")
    return Ending(*ids, came, "interrupted", TurnInterrupted(DIED))
