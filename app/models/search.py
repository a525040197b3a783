"""The full-text index of messages: FTS5 on SQLite, tsvector on PostgreSQL, one interface.

Migrations make the table (`message_index`) and what keeps it free of deleted messages. Words are stemmed as
English and joined by AND. A score is greater for a better match, on both.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Double, Select, TextClause, cast, text
from sqlalchemy.sql import column, func, literal_column, select, table

from app.models.messages import Message
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


def insert_into_index(dialect: str) -> TextClause:
    """The statement that indexes one message: number, user_id, session_id, body."""
    return text(INSERT[dialect])


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
