"""The search in a person's messages: a page costs the same however many match.

The newest that match are ranked among themselves; then come those before them, ranked in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.extensions import dialect
from app.models.messages import Message
from app.models.search import RANKED_AT_ONCE, select_newest_matches, select_shown, words_of
from app.services.pages import Ask, Page, cut


@dataclass(frozen=True)
class Wanted:
    """Whose messages are searched, for which words, and in which session if in one only."""

    user_id: str
    query: str
    session_id: str | None = None


class Hit(NamedTuple):
    """A message that matches; `upto` is the greatest number among those it is ranked with."""

    score: float
    number: int
    upto: int


class Found(NamedTuple):
    """A message that matches, as it is shown: in the snippet, what matched stands between OPEN and CLOSE."""

    message: Message
    score: float
    snippet: str


def find(session: Session, wanted: Wanted, ask: Ask) -> Page[Hit]:
    """A page of hits: in descending order the best first, and of equal ones the newest."""
    after = Hit(*ask.after) if ask.after else None
    hits: list[Hit] = []
    if words_of(wanted.query):
        for block in _blocks(session, wanted, after.upto if after else None):
            left = [one for one in block if _comes_after(one, after, ask.is_descending)]
            hits += sorted(left, reverse=ask.is_descending)
            if len(hits) > ask.limit:
                break
    return cut(hits, ask.limit, list)


def show(session: Session, wanted: Wanted, hits: Sequence[Hit]) -> list[Found]:
    """The messages of these hits, in their order."""
    if not hits:
        return []
    statement = select_shown(dialect(), wanted.user_id, wanted.query, [one.number for one in hits])
    rows = {message.number: (message, snippet) for message, snippet in session.execute(statement)}
    found = [(one, rows[one.number]) for one in hits if one.number in rows]
    return [Found(message, hit.score, snippet) for hit, (message, snippet) in found]


def _blocks(session: Session, wanted: Wanted, upto: int | None) -> Iterator[list[Hit]]:
    """The hits from a number on downwards, as many at a time as are ranked together."""
    is_more = True
    while is_more:
        statement = select_newest_matches(dialect(), wanted.user_id, wanted.session_id, wanted.query, upto)
        rows = session.execute(statement).all()
        if rows:
            newest = rows[0].number if upto is None else upto
            yield [Hit(row.score, row.number, newest) for row in rows]
            upto = rows[-1].number - 1
        is_more = len(rows) == RANKED_AT_ONCE


def _comes_after(hit: Hit, after: Hit | None, is_descending: bool) -> bool:
    if after is None or hit.upto != after.upto:
        return True
    return hit < after if is_descending else hit > after
