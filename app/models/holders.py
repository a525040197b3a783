"""Which messages of a path hold a word, by the full-text index, and how a path lies in it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql import column, func, literal_column, select, table

from app.models.messages import Message, path_to
from app.models.sessions import ChatSession


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
    join = func.group_concat if dialect == "sqlite" else func.string_agg
    arms: list[Any] = []
    for place in range(words):
        depths = (_numbers_in(dialect, place, span)).subquery(f"holders_{place}")
        joined = join(cast(depths.c.depth, String), literal_column("','"))
        arms.append(select(literal_column(str(place)).label("place"), joined.label("depths")))
    return union_all(*arms)


def holders_of(dialect: str, session_id: str, words: Sequence[str], span: Span) -> dict[str, str]:
    """The parameters that say which words: `word_0` and so on."""
    if dialect != "sqlite":
        return {f"word_{place}": word for place, word in enumerate(words)}
    # The part before the _ is the same in every id, and would be looked up for every message there is.
    scope = f'session_id:"{session_id.rpartition("_")[2]}" AND ' if span is Span.SCATTERED else ""
    return {f"word_{place}": f'{scope}body:"{word}"' for place, word in enumerate(words)}


def _numbers_in(dialect: str, place: int, span: Span) -> Select[Any]:
    word: Any = bindparam(f"word_{place}")
    first, last = _number("first"), _number("last")
    is_sqlite = dialect == "sqlite"
    index = table("message_index", *map(column, ("rowid", "number", "session_id", "user_id", "words")))
    number = index.c.rowid if is_sqlite else index.c.number
    query = func.plainto_tsquery(literal_column("'english'"), word)
    holds = literal_column("message_index").op("MATCH")(word) if is_sqlite else index.c.words.op("@@")(query)
    found = select((number - first).label("depth")).select_from(index).where(holds)
    if is_sqlite:
        found = found.where(number.between(first, last))
    elif span is not Span.SCATTERED:
        # + 0, for PostgreSQL would rather go through all numbers than through those with the word.
        found = found.where((number + 0).between(first, last))
    else:
        session_id: Any = bindparam("session_id")
        owner = select(ChatSession.user_id).where(ChatSession.id == session_id).scalar_subquery()
        found = found.where(index.c.user_id == owner, index.c.session_id == session_id)
    return (found if span is Span.WHOLE else _on_path(found, number)).limit(_number("most"))


def _on_path(found: Select[Any], number: ColumnElement[Any]) -> Select[Any]:
    _, is_on_way = _way()
    return (
        found.with_only_columns(Message.depth)
        .join(Message, Message.number == number)
        .where(Message.depth < _number("before_depth"), exists().where(is_on_way))
    )


@functools.cache
def _way() -> tuple[CTE, Any]:
    """The path to `head_id`, and whether a message is on it. Statements are made once, for it takes long."""
    head_id: Any = bindparam("head_id")
    way = path_to(head_id)
    return way, and_(Message.branch_id == way.c.branch_id, Message.depth <= way.c.upto)


def _number(name: str) -> Any:
    return bindparam(name, type_=BigInteger)
