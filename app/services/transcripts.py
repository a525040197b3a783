"""What Claude was sent, made anew from stored messages and from what was decided then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context import Ask, Entry, Summary
from app.context.drawing import in_order
from app.context.plain import render
from app.context.preface import of_pinned, of_summary
from app.models.messages import Message, select_between
from app.models.summaries import SummaryRow
from app.services import pasts
from app.services.models import window_of


@dataclass(frozen=True)
class Transcript:
    """A request that was made anew: the messages, and the digest of all of it, `rendering.Digest`."""

    record: dict[str, Any]
    messages: Sequence[Mapping[str, Any]]
    bound_to: str


def rows_of_turn(session: Session, message_id: str) -> list[Message]:
    """The messages that a turn made on its way, and its answer, in order."""
    made = select(Message).where((Message.turn_id == message_id) | (Message.id == message_id))
    return list(session.scalars(made.order_by(Message.depth)))


def rebuilt(
    session: Session, answer: Message, said: Mapping[str, Any], record: Mapping[str, Any]
) -> Transcript:
    """The request of one round; `said` is the turn's system prompt and tools, `record` `Prompt.record`."""
    ask = Ask(record["model"], record["max_tokens"], said["system"], tools=tuple(said["tools"]))
    made = render(list(_entries(session, answer, record)), ask)
    return Transcript(dict(record), made.messages, made.bound_to)


def _entries(session: Session, answer: Message, record: Mapping[str, Any]) -> Iterator[Entry]:
    """What was decided to be sent."""
    pinned = [one for at in record["pinned_depths"] for one in _between(session, answer, at, at, record)]
    before = [*of_pinned(pinned), *of_summary(_summary(session, record["summary_id"]))]
    kept = _between(session, answer, record["first_depth"], record["last_depth"], record)
    if record["instruction"]:
        said = [{"type": "text", "text": record["instruction"]}]
        kept.append(Entry("", "user", said, is_instruction=True, depth=record["last_depth"] + 1))
    return in_order(before, {one["depth"]: one["text"] for one in record["quotations"]}, kept)


def _between(
    session: Session, answer: Message, low: int, high: int, record: Mapping[str, Any]
) -> list[Entry]:
    where = {"head_id": answer.id, "low": low, "high": min(high, answer.depth - 1)}
    limits = window_of(record["model"])
    return [pasts.entry_of(row, limits) for row in session.execute(select_between(*pasts.COLUMNS), where)]


def _summary(session: Session, summary_id: str | None) -> Summary | None:
    row = session.scalar(select(SummaryRow).where(SummaryRow.id == summary_id)) if summary_id else None
    return Summary(row.id, row.text, row.upto_depth, row.tokens) if row else None
