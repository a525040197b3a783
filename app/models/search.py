"""The full-text index of messages: FTS5 on SQLite, tsvector on PostgreSQL, one interface.

Migrations make the table (`message_index`) and what keeps it free of deleted messages. Words are stemmed as
English and joined by AND. A score is greater for a better match, on both.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Double,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    text,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql import column, func, literal_column, select, table

from app.models.messages import Message, path_to
from app.models.prepared import Prepared
from app.models.sessions import ChatSession

OPEN, CLOSE = "\x02", "\x03"
SNIPPET_WORDS = 24
# BM25's term for one word. Its other term would count every message, so a page would shift when others write.
FREE_WEIGHT, LENGTH_WEIGHT, USUAL_CHARACTERS = 0.3, 0.9, 800.0
TAG_SIGNS = "\ue000\ue001"  # for < and >, because ts_headline leaves out what looks like a tag
WORD = re.compile(r"\w+")
INSERT = {
    "sqlite": "INSERT INTO message_index (rowid, session_id, user_id, body) "
    "VALUES (:number, :session_id, :user_id, :body)",
    "postgresql": "INSERT INTO message_index (number, user_id, session_id, body) "
    "VALUES (:number, :user_id, :session_id, :body)",
}


@functools.cache
def insert_into_index(dialect: str) -> Prepared:
    """The statement that indexes one message: number, user_id, session_id, body."""
    return Prepared(text(INSERT[dialect]))


def words_of(query: str) -> list[str]:
    """What of a query can be searched for."""
    return WORD.findall(query)


def select_matches(dialect: str, user_id: str, session_id: str | None, query: str) -> Select[Any]:
    """(Message, score, snippet) of one person's messages that hold every word, unordered."""
    found = (
        _in_fts5(user_id, session_id, query)
        if dialect == "sqlite"
        else _in_tsvector(user_id, session_id, query)
    )
    hits = found.subquery("hits")
    return (
        select(Message, hits.c.score, hits.c.snippet)
        .join(hits, hits.c.number == Message.number)
        .join(ChatSession, ChatSession.id == Message.session_id)
        .where(ChatSession.user_id == user_id)
    )


def _in_fts5(user_id: str, session_id: str | None, query: str) -> Select[Any]:
    index = table("message_index", column("rowid"))
    scope = f'user_id:"{user_id}"' + (f' AND session_id:"{session_id}"' if session_id else "")
    words = " AND ".join(f'"{word}"' for word in words_of(query))
    snippet = func.snippet(literal_column("message_index"), 2, OPEN, CLOSE, "…", SNIPPET_WORDS)
    marked = func.highlight(literal_column("message_index"), 2, OPEN, CLOSE)
    hits = func.length(marked) - func.length(func.replace(marked, OPEN, ""))
    weight = FREE_WEIGHT + LENGTH_WEIGHT * func.length(literal_column("body")) / USUAL_CHARACTERS
    score = hits / (hits + weight)
    return (
        select(index.c.rowid.label("number"), score.label("score"), snippet.label("snippet"))
        .select_from(index)
        .where(text("message_index MATCH :match").bindparams(match=f"{scope} AND body:({words})"))
    )


def _in_tsvector(user_id: str, session_id: str | None, query: str) -> Select[Any]:
    index = table(
        "message_index",
        column("number"),
        column("user_id"),
        column("session_id"),
        column("body"),
        column("words"),
    )
    wanted = func.plainto_tsquery(literal_column("'english'"), " ".join(words_of(query)))
    options = f"StartSel={OPEN}, StopSel={CLOSE}, MaxWords={SNIPPET_WORDS}, MinWords=8"
    body = func.translate(index.c.body, "<>", TAG_SIGNS)
    headline = func.ts_headline(literal_column("'english'"), body, wanted, options)
    snippet = func.translate(headline, TAG_SIGNS, "<>")
    score = cast(func.ts_rank(index.c.words, wanted), Double)
    hits = select(index.c.number, score.label("score"), snippet.label("snippet"))
    hits = hits.where(index.c.user_id == user_id, index.c.words.op("@@")(wanted))
    return hits.where(index.c.session_id == session_id) if session_id else hits


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
