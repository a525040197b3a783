"""The full-text index of messages: FTS5 on SQLite, tsvector on PostgreSQL, one interface.

Migrations make the table (`message_index`) and what keeps it free of deleted messages. Words are stemmed as
English and joined by AND. A score is greater for a better match, on both.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, String, bindparam, cast, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql import column, func, literal_column, select, table

from app.models.messages import Message
from app.models.prepared import Prepared
from app.models.sessions import ChatSession

OPEN, CLOSE = "\x02", "\x03"
SNIPPET_WORDS = 24
RANKED_AT_ONCE = 1_000
# BM25's term for one word. Its other term would count every message, so a page would shift when others write.
FREE_WEIGHT, LENGTH_WEIGHT, USUAL_CHARACTERS = 0.3, 0.9, 800.0
TAG_SIGNS = "\ue000\ue001"  # for < and >, because ts_headline leaves out what looks like a tag
WORD = re.compile(r"\w+")
FTS5 = table("message_index", column("rowid"))
TSVECTOR = table("message_index", *map(column, ("number", "user_id", "session_id", "body", "words")))
# To the letter as in its index: the words, and whose they are, which no word can be, for it has a space.
SCOPED_WORDS: ColumnElement[Any] = literal_column(
    "(words || array_to_tsvector(ARRAY[' ' || user_id, ' ' || session_id]))"
)
ENGLISH: ColumnElement[Any] = literal_column("'english'")
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


def select_newest_matches(
    dialect: str, user_id: str, session_id: str | None, query: str, upto: int | None = None
) -> Select[Any]:
    """(number, score) of a person's newest messages that hold every word, the newest first.

    None has a number above `upto`, and they are no more than RANKED_AT_ONCE, however many there are.
    """
    found = _in_fts5 if dialect == "sqlite" else _in_tsvector
    return found(user_id, session_id, query, upto)


def select_shown(dialect: str, user_id: str, query: str, numbers: Collection[int]) -> Select[Any]:
    """(Message, snippet) of these among the messages that `select_newest_matches` found."""
    shown = _shown_by_fts5 if dialect == "sqlite" else _shown_by_tsvector
    hits = shown(user_id, query, numbers).cte("hits").prefix_with("MATERIALIZED")
    return (
        select(Message, hits.c.snippet)
        .join(hits, hits.c.number == Message.number)
        .join(ChatSession, ChatSession.id == Message.session_id)
        .where(ChatSession.user_id == user_id)
    )


def _in_fts5(user_id: str, session_id: str | None, query: str, upto: int | None) -> Select[Any]:
    marked = func.highlight(literal_column("message_index"), 2, OPEN, CLOSE)
    hits = func.length(marked) - func.length(func.replace(marked, OPEN, ""))
    weight = FREE_WEIGHT + LENGTH_WEIGHT * func.length(literal_column("body")) / USUAL_CHARACTERS
    score = hits / (hits + weight)
    found = select(FTS5.c.rowid.label("number"), score.label("score")).where(
        _fts5_matches(user_id, session_id, query)
    )
    found = found if upto is None else found.where(FTS5.c.rowid <= upto)
    return found.order_by(FTS5.c.rowid.desc()).limit(RANKED_AT_ONCE)


def _shown_by_fts5(user_id: str, query: str, numbers: Collection[int]) -> Select[Any]:
    snippet = func.snippet(literal_column("message_index"), 2, OPEN, CLOSE, "…", SNIPPET_WORDS)
    # + 0, for SQLite would rather search once for each number; walking from the first to the last is quicker.
    return select(FTS5.c.rowid.label("number"), snippet.label("snippet")).where(
        _fts5_matches(user_id, None, query),
        FTS5.c.rowid.between(min(numbers), max(numbers)),
        (FTS5.c.rowid + 0).in_(numbers),
    )


def _fts5_matches(user_id: str, session_id: str | None, query: str) -> ColumnElement[bool]:
    scope = f'user_id:"{telling_part(user_id)}"'
    scope += f' AND session_id:"{telling_part(session_id)}"' if session_id else ""
    words = " AND ".join(f'"{word}"' for word in words_of(query))
    return literal_column("message_index").op("MATCH")(f"{scope} AND body:({words})")


def telling_part(id_: str) -> str:
    """What stands after the _ of an id: the part before is in every message, and takes long to look up."""
    return id_.rpartition("_")[2]


def scope_of(*ids: str) -> str:
    """A tsquery for SCOPED_WORDS: what belongs to all of these."""
    return " & ".join(f"' {one}'" for one in ids)


def _in_tsvector(user_id: str, session_id: str | None, query: str, upto: int | None) -> Select[Any]:
    of, ids = TSVECTOR.c, [user_id, session_id] if session_id else [user_id]
    wanted = cast(_inline(scope_of(*ids)), TSQUERY).op("&&")(_tsquery(query))
    # Whose they are is asked twice, for by the columns it is seen sooner where the index isn't used.
    newest = select(of.number).where(SCOPED_WORDS.op("@@")(wanted), of.user_id == user_id)
    newest = newest.where(of.session_id == session_id) if session_id else newest
    newest = newest if upto is None else newest.where(of.number <= upto)
    hits = newest.order_by(of.number.desc()).limit(RANKED_AT_ONCE).subquery("newest")
    score = cast(func.ts_rank(of.words, _tsquery(query)), Double)
    found = select(of.number, score.label("score")).join(hits, hits.c.number == of.number)
    return found.order_by(of.number.desc())


def _shown_by_tsvector(user_id: str, query: str, numbers: Collection[int]) -> Select[Any]:
    of = TSVECTOR.c
    options = f"StartSel={OPEN}, StopSel={CLOSE}, MaxWords={SNIPPET_WORDS}, MinWords=8"
    body = func.translate(of.body, "<>", TAG_SIGNS)
    headline = func.ts_headline(ENGLISH, body, _tsquery(query), options)
    snippet = func.translate(headline, TAG_SIGNS, "<>")
    found = select(of.number, snippet.label("snippet"))
    return found.where(of.user_id == user_id, of.number.in_(numbers))


def _tsquery(query: str) -> ColumnElement[Any]:
    return func.plainto_tsquery(ENGLISH, _inline(" ".join(words_of(query))))


def _inline(value: str) -> ColumnElement[Any]:
    """In the statement's text, so that PostgreSQL plans anew: the best way depends on how usual words are."""
    return bindparam("inline", value, String, unique=True, literal_execute=True)
