"""Who holds a word on a path, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import dialect
from app.models.holders import Span, holders_of, select_at_depths, select_holders, select_stretches
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.services import transfer, users
from app.services.identity import Caller, identify
from app.services.transactions import reading

TEXTS = [
    "They were running through the fields",
    "<b>bold</b> and path/to/file.txt, foo-bar; don't!",
    "Ünïcode déjà 漢字 приве́т слова",
    "zebra zebra zebra",
    "a zebra in a long text " + "about many other things " * 8,
]


@pytest.fixture
def ada(app: Flask, people: None) -> Caller:
    """A person with one session of TEXTS."""
    with app.app_context():
        caller = identify(users.add_key(users.add("Ada").id, "test")[1])
        transfer.import_(caller, {}, said(*TEXTS))
    return caller


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": text}]} for text in texts]


@pytest.mark.parametrize("span", Span)
@pytest.mark.parametrize(
    ("words", "before_depth", "depths"),
    [
        (["zebra", "fields"], 9, {0: {3, 4}, 1: {0}}),
        (["zebra", "runs"], 4, {0: {3}, 1: {0}}),
        (["zeb", "nothing"], 9, {}),
    ],
)
def test_who_holds_each_word_on_a_path_is_found_however_it_lies(
    app: Flask, ada: Caller, span: Span, words: list[str], before_depth: int, depths: dict[int, set[int]]
) -> None:
    with app.app_context(), reading() as session:
        chat = session.scalars(select(ChatSession)).one()
        path = {"session_id": chat.id, "head_id": chat.head_id, "before_depth": before_depth, "most": 9}
        ((_, low, high, first, last),) = session.execute(select_stretches(), path).all()
        texts = holders_of(dialect(), chat.id, words, span)
        rows = session.execute(
            select_holders(dialect(), len(words), span), {**path, **texts, "first": first, "last": last}
        ).all()
    assert (low, high) == (0, min(before_depth - 1, 4))
    assert {place: set(map(int, found.split(","))) for place, found in rows if found} == depths


def test_of_a_usual_word_so_many_are_found(app: Flask, ada: Caller) -> None:
    with app.app_context():
        chat = transfer.import_(ada, {}, said("zebra", *["zebra"] * 20)).chat
        with reading() as session:
            path = {"session_id": chat.id, "head_id": chat.head_id, "before_depth": 21, "most": 7}
            ((*_, first, last),) = session.execute(select_stretches(), path).all()
            texts = holders_of(dialect(), chat.id, ["zebra"], Span.SCATTERED)
            statement = select_holders(dialect(), 1, Span.SCATTERED)
            row = session.execute(statement, {**path, **texts, "first": first, "last": last}).one()
    assert row[1].count(",") == 6


def test_messages_are_read_by_branch_and_depth(app: Flask, ada: Caller) -> None:
    with app.app_context(), reading() as session:
        chat = session.scalars(select(ChatSession)).one()
        ((branch_id, *_),) = session.execute(
            select_stretches(), {"head_id": chat.head_id, "before_depth": 9}
        ).all()
        wanted = {"branches": [branch_id, "msg_none"], "depths": [3, 1, 9]}
        rows = session.execute(select_at_depths(Message.depth), wanted).all()
    assert [depth for (depth,) in rows] == [1, 3]
