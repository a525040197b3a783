"""The logs of turns: written by the process that makes an answer, followed from any."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.claude.events import Event
from app.errors import EventsGone, NotFound
from app.extensions import Parts, parts
from app.models.base import insert_into, now
from app.models.turn_events import TurnEvents, select_events
from app.models.turns import Turn
from app.services import messages, processes
from app.services.identity import Caller
from app.services.transactions import reading, writing
from app.turns import reply
from app.turns.journal import Journal
from app.turns.log import Log
from app.turns.reply import Reply
from app.turns.tails import Seen, Tails


def bind(of: Parts) -> None:
    """Give an app its journal, which writes, and its tails, which read."""

    def _write(logs: Sequence[Log]) -> None:
        with of.context():
            write(logs)

    def _look(after: Mapping[str, int]) -> Seen:
        with of.context():
            return look(after)

    of.journal, of.tails = Journal(_write), Tails(_look)


def store(session: Session, message_id: str, written: int, events: Sequence[Event]) -> None:
    """Add the events that follow number `written`; IntegrityError where another process has done so."""
    if events:
        insert_into(TurnEvents).run(session, _chunk(message_id, written, events))


def stored(session: Session, message_id: str, after: int = 0) -> list[Event]:
    """The events of a turn numbered above `after`, which must be the end of a chunk."""
    return [event for row in session.scalars(select_events(message_id, after)) for event in events_in(row)]


def write(logs: Sequence[Log]) -> None:
    """Store what these logs hold unwritten, all in one transaction."""
    rows = [_chunk(log.message_id, log.written, log.unwritten()) for log in logs]
    try:
        with writing() as session:
            insert_into(TurnEvents).run_for_all(session, rows)
    except IntegrityError:
        for log in logs:
            catch_up(log)
        return
    for log, row in zip(logs, rows, strict=True):
        log.wrote(row["last"])


def catch_up(log: Log) -> None:
    """After a doubtful write, see what is stored; a turn that is not ours any more is stopped."""
    with reading() as session:
        mine = (Turn.message_id == log.message_id) & (Turn.holder == processes.name())
        is_ours = session.scalar(select(Turn.message_id).where(mine)) is not None
        last = session.scalar(
            select(func.max(TurnEvents.last)).where(TurnEvents.message_id == log.message_id)
        )
    if is_ours:
        log.wrote(last or 0)
        parts().journal.note(log)
    else:
        parts().runner.stop(log.message_id, "interrupted")


def follow(caller: Caller, message_id: str) -> Log:
    """The log of an answer that the caller may read, also where another process makes it, or it has ended.

    Raises NotFound, and EventsGone where it was pruned.
    """
    message = messages.get(caller, message_id)
    if message.role != "assistant":
        raise NotFound(f"{message_id} is no answer, so it has no events.")
    log = find(message_id)
    if log is None:
        raise gone(message_id)
    return log


def gone(message_id: str) -> EventsGone:
    """What to say where the log is not kept any more."""
    address = f"/messages/{message_id}"
    error = EventsGone(
        f"The answer has ended, and its events are not kept so long: read it at {address}.",
        headers={"Link": f'<{address}>; rel="alternate"'},
    )
    error.about = {"message_id": message_id, "message_url": address}
    return error


def find(message_id: str) -> Log | None:
    """The log of an answer; None where it is not kept any more."""
    running = parts().runner.find(message_id)
    return running.log if running else parts().tails.find(message_id)


def look(after: Mapping[str, int]) -> Seen:
    """What is stored of these turns after these numbers; of one that was pruned, nothing."""
    news = [and_(TurnEvents.message_id == one, TurnEvents.first > number) for one, number in after.items()]
    with reading() as session:
        running = session.scalars(select(Turn.message_id).where(Turn.message_id.in_(after))).all()
        rows = session.scalars(select(TurnEvents).where(or_(*news)).order_by(TurnEvents.first)).all()
    events: dict[str, list[Event]] = {}
    for row in rows:
        if row.first == after[row.message_id] + len(events.get(row.message_id, ())) + 1:
            events.setdefault(row.message_id, []).extend(events_in(row))
    return Seen(events, frozenset(running))


def reply_of(events: Iterable[Event]) -> Reply:
    """What Claude's events of a log add up to."""
    return reply.read(one for one in events if not one.name.startswith("colloquy."))


def events_in(row: TurnEvents) -> Iterable[Event]:
    """The events of one chunk."""
    return (Event(sys.intern(name), None, text) for name, text in row.events)


def _chunk(message_id: str, written: int, events: Sequence[Event]) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "first": written + 1,
        "last": written + len(events),
        "events": [(one.name, one.text) for one in events],
        "written_at": now(),
    }
