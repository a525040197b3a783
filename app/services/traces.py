"""What was called for a turn: stored at its end, read and found by its owner, let go after some time."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, or_, select
from sqlalchemy.orm import Session, undefer

from app.errors import NotFound
from app.extensions import config, dialect, insert, redactor
from app.models.base import first_id, insert_into, new_id, now
from app.models.messages import Message
from app.models.prepared import Prepared
from app.models.traces import PREFIX, Trace, TraceCall, select_calls, select_traces_of
from app.services import messages
from app.services.identity import Caller, may_read_all
from app.services.pages import Ask, Page, cut, keyed
from app.services.transactions import reading, writing
from app.telemetry import tracing, trees
from app.telemetry.tracing import ERROR, TOOL, Span

LOST = "The process died: what it had called in this round is not known."
MOST_PRUNED, PRUNED_AT_ONCE = 5_000, 20
LONGEST_KEPT_DAYS = 100 * 365


@dataclass(frozen=True)
class About:
    """What a trace is about: the message that its turn makes, where and for whom, and who asked."""

    message_id: str
    session_id: str
    user_id: str
    request_id: str


@dataclass(frozen=True)
class Record:
    """A trace as it is stored: its row, and a row for each call of a tool."""

    row: dict[str, Any]
    calls: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """Which traces are found; None wants all.

    With a tool, `status` and `least_ms` are those of one of its calls; without, of the whole turn. The turn
    began at `since` or later, and before `until`.
    """

    tool: str | None = None
    status: str | None = None
    least_ms: float | None = None
    session_id: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def store(session: Session, root: Span, about: About) -> None:
    """Keep the trace of a turn, in the transaction that ends it; one that was kept before is replaced.

    A large one is better recorded before the transaction, and then written.
    """
    write(session, record(root, about))


def store_lost(session: Session, about: About) -> None:
    """Keep that a turn's process died, where none of its rounds had been kept."""
    if session.scalar(select(Trace.id).where(Trace.message_id == about.message_id)) is None:
        root = tracing.begin("turn")
        tracing.end(root, ERROR, {"error": "turn_interrupted", "detail": LOST})
        store(session, root, about)


def record(root: Span, about: About) -> Record:
    """The trace as it is now, with secrets masked."""
    tree = trees.kept(root, redactor())
    named = {name: tree[name] for name in ("name", "status", "ms")}
    ids = {"id": new_id(PREFIX, root.started_at), "trace_id": root.trace_id, **vars(about)}
    calls = [
        {
            "number": number,
            "user_id": about.user_id,
            "tool": one["name"],
            "status": one["status"],
            "ms": one["ms"],
        }
        for number, one in enumerate(trees.walk(tree))
        if one["kind"] == TOOL
    ]
    return Record({**ids, **named, "started_at": root.started_at, "spans": tree}, calls)


def write(session: Session, made: Record) -> None:
    """Write a recorded trace, in the caller's transaction; its message must be there."""
    id_ = _put(dialect()).value(session, made.row)
    if id_ != made.row["id"]:
        session.execute(delete(TraceCall).where(TraceCall.trace == id_))
    insert_into(TraceCall).run_for_all(session, [{"trace": id_, **one} for one in made.calls])


def of_message(caller: Caller, message_id: str) -> Trace:
    """The trace of the turn that made a message; raises NotFound, which says why there is none."""
    with reading() as session:
        message = messages.readable(session, caller, message_id)
        trace = session.scalar(_whole().where(Trace.message_id == (message.turn_id or message.id)))
    if trace is None:
        raise NotFound(_why_there_is_none(message))
    return trace


def get(caller: Caller, trace_id: str) -> Trace:
    """One trace; raises NotFound where the caller may not read it."""
    found = _whole().where(Trace.id == trace_id)
    if not may_read_all(caller):
        found = found.where(Trace.user_id == caller.user_id)
    with reading() as session:
        return _required(session.scalar(found), trace_id)


def named(id_: str) -> Trace:
    """Anybody's trace, by its id or its message's: for the command line; raises NotFound."""
    with reading() as session:
        return _required(session.scalar(_whole().where(or_(Trace.id == id_, Trace.message_id == id_))), id_)


def find(caller: Caller, wanted: Wanted, ask: Ask) -> Page[Trace]:
    """The caller's traces, without their spans, in the order in which the turns began."""
    found = select_traces_of(caller.user_id).where(*_conditions(caller, wanted, ask))
    with reading() as session:
        rows = session.scalars(keyed(found, Trace.id, ask)).all()
    return cut(rows, ask.limit, lambda row: [row.id])


def shown(trace: Trace) -> dict[str, Any]:
    """The fields of a trace and those of the span that is its root, as one."""
    about = ("id", "message_id", "session_id", "request_id", "trace_id")
    return {**{name: getattr(trace, name) for name in about}, **trace.spans}


def prune() -> None:
    """Let go of the traces of turns that began long ago, a few at a time."""
    days = config().traces_kept_days
    if not days:
        return
    before = first_id(PREFIX, now() - timedelta(days=min(days, LONGEST_KEPT_DAYS)))
    old = select(Trace.id).where(Trace.id < before).order_by(Trace.id)
    with reading() as session:
        ids = session.scalars(old.limit(MOST_PRUNED)).all()
    for at in range(0, len(ids), PRUNED_AT_ONCE):
        with writing() as session:
            session.execute(delete(Trace).where(Trace.id.in_(ids[at : at + PRUNED_AT_ONCE])))


@functools.cache
def _put(_dialect: str) -> Prepared:
    """Puts a trace in the place of its message's; returns the id that it has there. Made once and kept."""
    table: Any = Trace.__table__  # without the ORM: every turn waits for it
    new = insert(table)
    changed = {one.name: new.excluded[one.name] for one in table.c if one.name != "id"}
    put = new.on_conflict_do_update(index_elements=["message_id"], set_=changed)
    return Prepared(put.returning(table.c.id))


def _whole() -> Select[Trace]:
    return select(Trace).options(undefer(Trace.spans))


def _required(trace: Trace | None, id_: str) -> Trace:
    if trace is None:
        raise NotFound(f"There is no trace {id_}: it may be too old to be kept, or its turn still runs.")
    return trace


def _why_there_is_none(message: Message) -> str:
    if message.role != "assistant":
        return f"{message.id} was not made in a turn: ask for the trace of the answer that follows it."
    if message.status == "running":
        return f"{message.id} is being made: its trace is there when it has ended."
    days = config().traces_kept_days
    kept = f"traces are kept for {days:g} days, and " if days else ""
    return f"No trace of {message.id} is kept: {kept}copies and imported messages have none."


def _conditions(caller: Caller, wanted: Wanted, ask: Ask) -> list[ColumnElement[bool]]:
    places = {Trace.session_id: wanted.session_id, Trace.message_id: wanted.message_id}
    found = [column == value for column, value in places.items() if value is not None]
    if wanted.tool is None:
        return [*found, *_begun(Trace.id, wanted), *_ended(Trace, wanted)]
    calls = select_calls(caller.user_id, wanted.tool).where(*_ended(TraceCall, wanted))
    calls = calls.where(*_begun(TraceCall.trace, wanted))
    if not found:  # then the calls alone tell which traces are on the page
        calls = keyed(calls.distinct(), TraceCall.trace, ask)
    return [*found, Trace.id.in_(calls)]


def _begun(id_: Any, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Whether a turn began when it was wanted to: its trace's id says so."""
    since = [id_ >= first_id(PREFIX, wanted.since)] if wanted.since else []
    return [*since, id_ < first_id(PREFIX, wanted.until)] if wanted.until else since


def _ended(of: type[Trace | TraceCall], wanted: Wanted) -> list[ColumnElement[bool]]:
    """Whether a turn, or a call, ended as wanted and took as long."""
    status = [of.status == wanted.status] if wanted.status else []
    return status if wanted.least_ms is None else [*status, of.ms >= wanted.least_ms]
