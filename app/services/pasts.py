"""What is known of a conversation when its next prompt is made: rows as values, in a few reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.context import Ask, Entry, Past, Prompt, State, Summary, Window, assemble
from app.context.split import split
from app.context.tokens import of_content
from app.context.values import Quotation, Windows
from app.errors import ContextOverflow
from app.models.base import now
from app.models.messages import Message, select_between, select_newest_states, select_pinned
from app.models.summaries import SummaryRow, select_summaries
from app.services import counts, recall
from app.services.counts import Owner
from app.services.models import tokens_factor_of
from app.services.transactions import reading
from app.tools import dispatcher

ROWS_A_READ = 200
NEAREST_STATE = 8  # messages: every answer made here has one, so there is none further back
SURPLUS = 1.02  # a count of another prompt than the one that was refused may differ a little
UNKNOWN_SURPLUS = 1.3


class Stored(NamedTuple):
    """A message as it is read: of a tuple an attribute is had ten times as quickly as of SQLAlchemy's row."""

    id: str
    role: str
    content: list[dict[str, Any]]
    model: str | None
    bound_to: str | None
    depth: int
    created_at: datetime
    tokens: int | None
    estimated_tokens: int | None
    tokens_model: str | None
    is_pinned: bool
    recalled: dict[str, Any] | None


COLUMNS = tuple(getattr(Message, name) for name in Stored._fields)


@dataclass(frozen=True)
class Known:
    """All that a prompt is made from but the newest message. `at` is when it is asked for.

    `upstream_id` is Claude's own id of the newest answer on the path.
    """

    session_id: str | None
    head_id: str | None
    limits: Window
    at: datetime
    path: list[Entry]
    state: State | None = None
    pinned: tuple[Entry, ...] = ()
    summary: Summary | None = None
    adopted: Summary | None = None
    seed: State | None = None
    upstream_id: str | None = None


def nothing(limits: Window) -> Known:
    """A conversation that has not begun."""
    return Known(None, None, limits, now(), [])


def known(session: Session, head: Message | None, limits: Window, ask: Ask) -> Known:
    """What is known of the path to a message. Without a state, the end of it that is more than enough."""
    if head is None:
        return nothing(limits)
    state, upstream_id = _newest(session, head)
    start = state.start_depth if state else 0
    enough = None if state else split(ask, limits).input_tokens
    path = _entries(session, head, limits, start, enough)
    where = {"head_id": head.id, "session_id": head.session_id}
    summaries = session.scalars(select_summaries(), where).all()
    adopted = next((one for one in summaries if state and one.id == state.summary_id), None)
    return Known(
        head.session_id,
        head.id,
        limits,
        now(),
        path,
        state,
        _pinned(session, head, limits, path[0].depth),
        _value(summaries[0]) if summaries else None,
        _value(adopted) if adopted else None,
        upstream_id=upstream_id,
    )


def seeded(session: Session, of: Known, user_id: str) -> Known:
    """What is known, and, where nothing was asked yet, what was learned in the person's newest session."""
    if of.state:
        return of
    states = select_newest_states().rows(session, {"user_id": user_id})
    stored = next((one.context_state for one in states if one.context_state), None)
    return replace(of, seed=State.from_json(stored)) if stored else of


def prompt_for(of: Known, newest: list[Entry], ask: Ask, owner: Owner | None) -> Prompt:
    """The prompt for the newest messages after what is known. With an owner, Claude may be asked to count."""
    return assemble(past_of(of, newest, owner), ask, of.limits)


def shortened(of: Known, newest: list[Entry], ask: Ask, prompt: Prompt, refusal: ContextOverflow) -> Prompt:
    """The prompt again, after Claude has counted more tokens than the model holds."""
    counted, most = refusal.counted_tokens, refusal.most_tokens
    correction = SURPLUS * counted / prompt.plan.prompt_tokens if counted else UNKNOWN_SURPLUS
    limits = replace(of.limits, window_tokens=min(of.limits.window_tokens, most or of.limits.window_tokens))
    past = replace(past_of(of, newest, None), correction=max(correction, 1.0))
    return assemble(past, ask, limits)


def past_of(of: Known, newest: list[Entry], owner: Owner | None) -> Past:
    """The values that a prompt is made from; it can ask for more of them."""

    def _recall(text: str, before_depth: int, room_tokens: int) -> Windows:
        if of.session_id is None or of.head_id is None:
            return ()
        where = (of.session_id, of.head_id, before_depth, text, room_tokens)
        said = {"before_depth": before_depth, "room_tokens": room_tokens}
        return dispatcher.call("recall", lambda: _found(*where), said=said, told=_told_of)

    known = (of.state, of.pinned, of.summary, of.adopted)
    past = Past([*of.path, *newest], of.at, *known, recall=_recall, seed=of.seed)
    return replace(past, count=lambda request: counts.count(owner, request)) if owner else past


def _found(*where: Any) -> Windows:
    with reading() as session:
        return recall.find(session, *where)


def _told_of(windows: Windows) -> dict[str, Any]:
    return {"windows": len(windows)}


def entry_of(row: Any, limits: Window) -> Entry:
    """A message as a value for the context, its size in the tokens of the model that is asked."""
    tokens = row.tokens if row.tokens is not None else row.estimated_tokens
    factor = limits.tokens_factor / tokens_factor_of(row.tokens_model)
    return Entry(  # by place: names take a third longer
        row.id,
        row.role,
        row.content,
        row.model,
        row.bound_to,
        False,
        row.depth,
        row.created_at,
        None if tokens is None else round(tokens * factor),
        row.tokens is not None and row.tokens_model == limits.model,
        row.tokens is None and row.tokens_model is None,
        row.is_pinned,
        Quotation(**row.recalled) if row.recalled else None,
    )


def _newest(session: Session, head: Message) -> tuple[State | None, str | None]:
    """The state of the newest answer on the path that has one, and Claude's id of the newest with an id."""
    nearest = select_between(Message.context_state, Message.upstream_id)
    rows = session.execute(nearest, _between(head, head.depth - NEAREST_STATE)).all()
    states = [row.context_state for row in rows if row.context_state is not None]
    ids = [row.upstream_id for row in rows if row.upstream_id is not None]
    return State.from_json(states[-1]) if states else None, ids[-1] if ids else None


def _entries(
    session: Session, head: Message, limits: Window, low: int, enough_tokens: int | None
) -> list[Entry]:
    """The end of the path from a depth on; where `enough_tokens` is given, no more than that needs."""
    if enough_tokens is None:
        return _read(session, select_between(*COLUMNS), _between(head, low), limits)
    entries: list[Entry] = []
    high = head.depth
    while high >= low and enough_tokens >= 0:
        where = _between(head, high - ROWS_A_READ + 1, high)
        fresh = _read(session, select_between(*COLUMNS), where, limits)
        entries[:0] = fresh
        enough_tokens -= sum(of_content(one.content) if one.tokens is None else one.tokens for one in fresh)
        high -= ROWS_A_READ
    return entries


def _read(session: Session, statement: Select[Any], where: dict[str, Any], limits: Window) -> list[Entry]:
    """The messages that a statement finds, by the connection: plain rows are enough."""
    rows = session.connection().execute(statement, where).all()
    return [entry_of(Stored._make(row), limits) for row in rows]


def _between(head: Message, low: int, high: int | None = None) -> dict[str, Any]:
    return {"head_id": head.id, "low": low, "high": head.depth if high is None else high}


def _pinned(session: Session, head: Message, limits: Window, before_depth: int) -> tuple[Entry, ...]:
    """The pinned messages of the path before a depth."""
    if before_depth == 0:
        return ()
    where = {"head_id": head.id, "session_id": head.session_id, "before_depth": before_depth}
    return tuple(_read(session, select_pinned(*COLUMNS), where, limits))


def _value(row: SummaryRow) -> Summary:
    return Summary(row.id, row.text, row.upto_depth, row.tokens, row.is_due)
