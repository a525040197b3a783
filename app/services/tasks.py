"""What is to be summarised next, read from the database; which of it, `context.summarising` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context import Ask, Entry, Past, State, Summary, Window, summarising
from app.context.scene import Scene, seen
from app.context.summarising import Writer
from app.context.window import turn_starts
from app.extensions import config
from app.models.base import now
from app.models.messages import Message, select_path
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow, select_summaries
from app.services import pasts, tree
from app.services.models import window_of
from app.services.settings import Wishes, settle
from app.services.transactions import reading

ROWS_A_READ = 200
COLUMNS = (Message.id, Message.role, Message.content, Message.depth, Message.created_at)


@dataclass(frozen=True)
class Task:
    """Turns to summarise, and the summary before them. `is_last`: they are all that was wanted.

    `is_due` says that the summary before was asked for, and no prompt has taken it yet.
    """

    session_id: str
    head_id: str
    writer: Writer
    previous: Summary | None
    covered: Sequence[Entry]
    is_last: bool
    is_due: bool

    @property
    def previous_id(self) -> str | None:
        """The summary that this one goes on from."""
        return self.previous.id if self.previous else None


def newest(session: Session, session_id: str, head_id: str | None) -> SummaryRow | None:
    """The summary that reaches furthest on the path to the head."""
    where = {"session_id": session_id, "head_id": head_id}
    return session.scalars(select_summaries(), where).first() if head_id else None


def foreseen(chat: ChatSession) -> Task | None:
    """What the next cut will drop. Turns are read only where the state says that one is near."""
    ask = settle(Wishes(), chat)
    limits = window_of(ask.model)
    with reading() as session:
        state = session.scalar(select(Message.context_state).where(Message.id == chat.head_id))
        row = newest(session, chat.id, chat.head_id)
    if state is None:
        return None
    summary = Summary(row.id, row.text, row.upto_depth, row.tokens, row.is_due) if row else None
    if not summarising.is_foreseeable(
        seen(Past([], now(), State.from_json(state), (), summary), ask, limits)
    ):
        return None
    scene = scene_of(chat, ask, limits)
    upto_depth = summarising.wanted_depth(scene) if scene else None
    return task(chat, scene, upto_depth) if scene and upto_depth is not None else None


def scene_of(chat: ChatSession, ask: Ask, limits: Window) -> Scene | None:
    """The turns that the last prompt kept, and the newest summary; None before anything was said."""
    with reading() as session:
        known = pasts.known(session, tree.message_at(session, chat.head_id), limits, ask)
    past = Past(known.path, known.at, known.state, summary=known.summary)
    return seen(past, ask, limits) if known.path else None


def task(chat: ChatSession, scene: Scene, upto_depth: int) -> Task | None:
    """The oldest turns up to a depth that no summary covers, as far as they fit."""
    path, previous = scene.past.path, scene.past.summary
    writer = summarising.writer(scene, window_of(config().summary_model))
    room = writer.room_tokens(previous)
    with reading() as session:
        entries = _entries(session, path[-1].id, summarising.covered_depth(scene) + 1, upto_depth, room)
    is_to_the_end = bool(entries) and entries[-1].depth == upto_depth
    covered = summarising.whole_turns(entries, is_to_the_end, room)
    if not covered:
        return None
    is_last = covered[-1].depth == upto_depth
    is_due = previous is not None and previous.is_due and previous.upto_depth >= path[0].depth
    return Task(chat.id, path[-1].id, writer, previous, covered, is_last, is_due)


def _entries(session: Session, head_id: str, low: int, high: int, room_tokens: int) -> list[Entry]:
    """The messages of the path between two depths, no more of them than fill the room and make a turn."""
    entries: list[Entry] = []
    total = 0
    while low <= high and (total <= room_tokens or len(turn_starts(entries)) < 2):
        path = select_path(head_id, low, min(low + ROWS_A_READ - 1, high)).with_only_columns(*COLUMNS)
        rows = session.execute(path.order_by(None).order_by(Message.depth))
        fresh = [Entry(row.id, row.role, row.content, depth=row.depth, at=row.created_at) for row in rows]
        total += sum(summarising.size_of(entry) for entry in fresh)
        entries, low = entries + fresh, low + ROWS_A_READ
    return entries
