"""Which messages of a path hold a word, by the full-text index, and how a path lies in it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    CompoundSelect,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import aliased
from sqlalchemy.sql import func, literal_column, select

from app.models.messages import Message, path_to
from app.models.search import ENGLISH, FTS5, SCOPED_WORDS, TSVECTOR, scope_of, telling_part


class Span(Enum):
    """How the messages of a path lie among the numbers from its first to its last.

    WHOLE: there are no others. MOST: a good part of them. SCATTERED: few.
    """

    WHOLE = "whole"
    MOST = "most"
    SCATTERED = "scattered"


@functools.cache
def select_stretches() -> Select[Any]:
    """(branch_id, low, high, first, last) of each branch on the path to `head_id`, from the root on.

    Low and high are the depths of its first and its last message on the path before `before_depth`, first and
    last are their numbers.
    """
    way, start, end = _way()[0], aliased(Message), aliased(Message)
    before = _number("before_depth")
    high = case((way.c.upto < before, way.c.upto), else_=before - 1)
    return (
        select(way.c.branch_id, start.depth, end.depth, start.number, end.number)
        .join(start, start.id == way.c.branch_id)
        .join(end, and_(end.branch_id == way.c.branch_id, end.depth == high))
        .order_by(start.depth)
    )


@functools.cache
def select_at_depths(*columns: Any) -> Select[Any]:
    """The messages of the `branches` that stand at one of the `depths`."""
    branches = bindparam("branches", type_=String, expanding=True)
    depths = bindparam("depths", type_=BigInteger, expanding=True)
    found = select(*columns).where(Message.branch_id.in_(branches), Message.depth.in_(depths))
    return found.order_by(Message.depth)


@functools.cache
def select_holders(dialect: str, words: int, span: Span) -> CompoundSelect[Any]:
    """(word's place, depths) of the messages that hold a word: a row for each word, depths joined by commas.

    The parameters are those of `holders_of`. Only messages on the path to `head_id` before `before_depth`
    count, `most` at most for a word; where the span is WHOLE, a depth is a number's distance from the first.
    """
    is_sqlite = dialect == "sqlite"
    join, held = (func.group_concat, _in_fts5) if is_sqlite else (func.string_agg, _in_tsvector)
    arms: list[Any] = []
    for place in range(words):
        depths = held(place, span).limit(_number("most")).subquery(f"holders_{place}")
        joined = join(cast(depths.c.depth, String), literal_column("','"))
        arms.append(select(literal_column(str(place)).label("place"), joined.label("depths")))
    return union_all(*arms)


def holders_of(dialect: str, session_id: str, words: Sequence[str], span: Span) -> dict[str, str]:
    """The parameters that say which words: `word_0` and so on."""
    if dialect != "sqlite":
        return {"scope": scope_of(session_id)} | {f"word_{place}": word for place, word in enumerate(words)}
    scope = f'session_id:"{telling_part(session_id)}" AND ' if span is Span.SCATTERED else ""
    return {f"word_{place}": f'{scope}body:"{word}"' for place, word in enumerate(words)}


def _in_fts5(place: int, span: Span) -> Select[Any]:
    first, last = _number("first"), _number("last")
    holds = literal_column("message_index").op("MATCH")(bindparam(f"word_{place}"))
    number = FTS5.c.rowid
    found = select((number - first).label("depth")).select_from(FTS5)
    found = found.where(holds, number.between(first, last))
    if span is Span.WHOLE:
        return found
    is_before = Message.depth < _number("before_depth")
    found = found.with_only_columns(Message.depth).join(Message, Message.number == number)
    return found.where(is_before, exists().where(_way()[1]))


def _in_tsvector(place: int, span: Span) -> Select[Any]:
    """PostgreSQL is told how to go about it, for it knows neither how usual a word is nor how long a path.

    By the index (a CTE is planned for all of its rows, and still read as far as needed), then by number.
    """
    number, word = TSVECTOR.c.number, bindparam(f"word_{place}", type_=String)
    scope = cast(bindparam("scope", type_=String), TSQUERY)
    wanted = scope.op("&&")(func.plainto_tsquery(ENGLISH, word))
    is_among = (number + 0).between(_number("first"), _number("last"))
    held = select(number).where(SCOPED_WORDS.op("@@")(wanted), is_among)
    hits = held.cte(f"held_{place}").prefix_with("MATERIALIZED")
    if span is Span.WHOLE:
        return select((hits.c.number - _number("first")).label("depth"))
    on_path = select(Message.depth).where(
        Message.number == hits.c.number, Message.depth < _number("before_depth"), exists().where(_way()[1])
    )
    depths = on_path.offset(0).lateral(f"depths_{place}")
    return select(depths.c.depth).select_from(hits.join(depths, true()))


@functools.cache
def _way() -> tuple[CTE, Any]:
    """The path to `head_id`, and whether a message is on it. Statements are made once, for it takes long."""
    head_id: Any = bindparam("head_id")
    way = path_to(head_id)
    return way, and_(Message.branch_id == way.c.branch_id, Message.depth <= way.c.upto)


def _number(name: str) -> Any:
    return bindparam(name, type_=BigInteger)
