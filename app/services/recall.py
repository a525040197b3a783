"""Finding what of a conversation was cut and matters now: three reads, however long the history."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.context import recall
from app.context.tokens import of_content
from app.context.values import Entry, Windows
from app.extensions import dialect
from app.models.holders import Span, holders_of, select_at_depths, select_holders, select_stretches
from app.models.messages import Message

ROOM_TOKENS = 4_000
TOKENS_PER_WINDOW = 60
LEAST_WINDOWS, MOST_WINDOWS = 12, 400
HOLDERS_A_QUERY, LEAST_HOLDERS = 4_000, 250
MOST_OTHERS = 4  # numbers for each message of a path, up to which it is no use to ask for its session


class Stored(NamedTuple):
    """A message as it is read, see `pasts.Stored`."""

    id: str
    role: str
    content: list[dict[str, Any]]
    branch_id: str
    depth: int
    created_at: datetime
    tokens: int | None
    estimated_tokens: int | None


COLUMNS = tuple(getattr(Message, name) for name in Stored._fields)


class Stretch(NamedTuple):
    """The part of a branch that is on the path, from depth `low` to `high`, and the numbers of these two."""

    branch_id: str
    low: int
    high: int
    first: int
    last: int


def find(
    session: Session,
    session_id: str,
    head_id: str,
    before_depth: int,
    text: str,
    room_tokens: int = ROOM_TOKENS,
) -> Windows:
    """Windows of messages on the path to the head before a depth, the best first; more than fill the room."""
    words = recall.words_of(text)
    if not words or before_depth <= 0:
        return []
    most = max(HOLDERS_A_QUERY // len(words), LEAST_HOLDERS)
    place = {"session_id": session_id, "head_id": head_id, "before_depth": before_depth, "most": most}
    connection = session.connection()  # plain rows are enough
    way = [Stretch(*row) for row in connection.execute(select_stretches(), place)]
    if not way:
        return []
    scores = recall.scored(_holders(connection, words, way, place), way[-1].high + 1, most)
    wanted = max(LEAST_WINDOWS, min(room_tokens // TOKENS_PER_WINDOW, MOST_WINDOWS))
    middles = recall.centres(scores, wanted)
    entries = _entries(connection, way, recall.depths_around(middles))
    return recall.windows([recall.shortened(one, words) for one in entries], scores, middles)


def _holders(
    connection: Connection, words: list[str], way: list[Stretch], place: dict[str, Any]
) -> list[list[int]]:
    """For each word the depths of the messages that hold it."""
    ends = {"first": way[0].first, "last": way[-1].last}
    span = _span(ends["last"] - ends["first"] + 1, way[-1].high + 1)
    texts = holders_of(dialect(), place["session_id"], words, span)
    rows = connection.execute(select_holders(dialect(), len(words), span), {**place, **texts, **ends})
    return [json.loads(f"[{depths}]") for _, depths in rows.all() if depths]  # quicker than `int`


def _span(numbers: int, messages: int) -> Span:
    if numbers == messages:
        return Span.WHOLE
    return Span.MOST if numbers <= messages * MOST_OTHERS else Span.SCATTERED


def _entries(connection: Connection, way: list[Stretch], depths: list[int]) -> list[Entry]:
    """The messages of the path at these depths."""
    if not depths:
        return []
    on_path = {one.branch_id: one for one in way if any(one.low <= depth <= one.high for depth in depths)}
    where = {"branches": list(on_path), "depths": depths}
    rows = map(Stored._make, connection.execute(select_at_depths(*COLUMNS), where).all())
    return [_entry(row) for row in rows if row.depth <= on_path[row.branch_id].high]


def _entry(row: Stored) -> Entry:
    tokens = row.estimated_tokens if row.tokens is None else row.tokens
    tokens = of_content(row.content) if tokens is None else tokens
    return Entry(row.id, row.role, row.content, depth=row.depth, at=row.created_at, tokens=tokens)
