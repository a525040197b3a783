"""A running turn is believed in while its process gives signs of life; then its message is `interrupted`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from app.claude.events import Event
from app.errors import TurnInterrupted
from app.extensions import Parts, config, parts
from app.models.base import insert_into, now
from app.models.messages import REQUIRES_ACTION
from app.models.sessions import ChatSession
from app.models.turn_events import TurnEvents
from app.models.turns import Turn
from app.services import (
    calls,
    charges,
    endings,
    erasure,
    idempotency,
    logs,
    processes,
    rates,
    toolboxes,
    traces,
)
from app.services.endings import Ending
from app.services.toolboxes import Toolbox
from app.services.traces import About
from app.services.transactions import reading, writing
from app.telemetry.logging import logger
from app.turns import rounds
from app.turns.runner import attempt, keep_doing

log_lines = logger("leases")
LOOKS_A_LEASE = 3
LONGEST_PAUSE_SECONDS = 2.0  # so that what a dead process left is found soon, however long a lease is
GRACE_SECONDS = 5.0  # more than a process needs to renew once the database is there again
CANCEL_LOOK_SECONDS = 0.25
PRUNE_SECONDS = 60.0
MOST_PRUNED = 5_000
DIED = "The process that made the answer died; what came is kept: continue or regenerate it."


def take(session: Session, session_id: str, message_id: str, request_id: str) -> None:
    """Say that this process makes the answer."""
    row = {
        "message_id": message_id,
        "session_id": session_id,
        "holder": processes.name(),
        "host": processes.host(),
        "leased_until": now() + timedelta(seconds=config().lease_seconds),
        "request_id": request_id,
    }
    insert_into(Turn).run(session, row)


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
        turns = _doubtful(session)
    count = 0
    for one in _lost(turns):
        failure = f"{one.message_id} could not be ended; it is tried again soon"
        count += attempt(partial(_interrupt, one), failure) or 0
    if count:
        log_lines.warning("%d answers of a process that died are interrupted", count)
    return count


def stop_unwanted() -> None:
    """Stop the turns of this process that another one was asked to cancel, or whose session it deleted."""
    running = parts().runner.running
    if running:
        with reading() as session:
            rows = session.execute(
                select(Turn.message_id, Turn.is_cancelled).where(Turn.message_id.in_(running))
            )
            wanted = {message_id for message_id, is_cancelled in rows if not is_cancelled}
        for message_id in set(running) - wanted:
            parts().runner.stop(message_id, "cancelled")


def prune() -> None:
    """Let go of the events of turns that ended long ago, one at a time, of old keys, counters and traces."""
    before = now() - timedelta(seconds=config().events_kept_seconds)
    later = aliased(TurnEvents)
    goes_on = exists().where(later.message_id == TurnEvents.message_id, later.written_at >= before)
    runs = exists().where(Turn.message_id == TurnEvents.message_id)
    old = TurnEvents.written_at < before
    begins = select(TurnEvents.message_id).where(TurnEvents.first == 1, old, ~goes_on, ~runs)
    with reading() as session:
        ids = session.scalars(begins.limit(MOST_PRUNED)).all()
    for message_id in ids:
        with writing() as session:
            session.execute(delete(TurnEvents).where(TurnEvents.message_id == message_id))
    idempotency.prune()
    rates.prune()
    traces.prune()


def keep_watch() -> None:
    """Renew, recover, cancel, prune and sweep for as long as the process lives, in the background."""
    of = parts()
    pause = min(config().lease_seconds / LOOKS_A_LEASE, LONGEST_PAUSE_SECONDS)
    often = ((_look_after, pause), (stop_unwanted, CANCEL_LOOK_SECONDS))
    for act, seconds in (*often, (prune, PRUNE_SECONDS), (erasure.sweep, PRUNE_SECONDS)):
        keep_doing(_every(of, act, seconds))


def _look_after() -> None:
    renew()
    calls.renew()
    recover()
    calls.end_dead()
    charges.recover()


def _every(of: Parts, act: Callable[[], object], seconds: float) -> Callable[[], bool]:
    def _act() -> bool:
        time.sleep(seconds)
        with of.context():
            act()
        return True

    return _act


def _doubtful(session: Session) -> Sequence[Turn]:
    """The turns whose lease ran out or whose process is gone: of processes of this host that can be told.

    Each is found by an index, for every process asks this every two seconds.
    """
    neighbours = session.scalars(select(Turn.holder).where(Turn.host == processes.host()).distinct())
    gone = [one for one in neighbours if processes.is_gone(one)]
    left = (Turn.host == processes.host()) & Turn.holder.in_(gone)
    ran_out = Turn.leased_until < now()
    return session.scalars(select(Turn).where(ran_out | left if gone else ran_out)).all()


def _lost(turns: Sequence[Turn]) -> Iterator[Turn]:
    """The turns whose process is gone, or gives no sign of life while we look.

    A lease that ran out is not enough: after an outage of the database nobody could renew, and the clocks of
    two hosts may differ. So it must also stay as it is for a while by our own clock.
    """
    others = [one for one in turns if one.message_id not in parts().runner.running]
    before, at = parts().leases_seen, time.monotonic()
    ran_out = [(one.message_id, one.leased_until) for one in others if one.leased_until < now()]
    parts().leases_seen = seen = {key: before.get(key, at) for key in ran_out}
    for one in others:
        since = seen.get((one.message_id, one.leased_until))
        if processes.is_gone(one.holder) or (since is not None and at - since >= GRACE_SECONDS):
            yield one


def _interrupt(turn: Turn) -> bool:
    """End it with what it said, unless it has given a sign of life meanwhile; whether it was ended."""
    as_seen = {"holder": turn.holder, "leased_until": turn.leased_until}
    with writing() as session:
        events = logs.stored(session, turn.message_id)
        chat = session.scalar(select(ChatSession).where(ChatSession.id == turn.session_id))
        if chat is None:
            return False
        ending = _ending(turn, events[turn.kept_events :], toolboxes.of(chat.tools))
        is_ended = endings.store(session, ending, as_seen, len(events), ()) is not None
        if is_ended:
            about = About(turn.message_id, turn.session_id, chat.user_id, turn.request_id)
            traces.store_lost(session, about)
        return is_ended


def _ending(turn: Turn, events: Sequence[Event], toolbox: Toolbox) -> Ending:
    """What came of the round at hand. Tools that may have been at work are not used a second time."""
    came = logs.reply_of(events)
    ids = (turn.session_id, turn.message_id, turn.request_id)
    asked = rounds.asked_for(came, toolbox.whose) if came.is_complete else None
    if came.is_complete and asked is None:
        return Ending(*ids, came, "complete")
    if asked and asked.awaited and not asked.ours:
        return Ending(*ids, came, REQUIRES_ACTION, awaits=rounds.awaits(came, asked, ()))
    if turn.is_cancelled:
        return Ending(*ids, came, "cancelled")
    return Ending(*ids, came, "interrupted", TurnInterrupted(DIED))
