"""The full-text index on both databases: which words match, in which order, for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.extensions import dialect
from app.models.messages import Message
from app.models.search import (
    CLOSE,
    OPEN,
    Span,
    holders_of,
    select_at_depths,
    select_holders,
    select_matches,
    select_stretches,
    words_of,
)
from app.models.sessions import ChatSession
from app.services import transfer, users
from app.services.identity import Caller, identify
from app.services.transactions import reading

Find = Callable[..., list[str]]
TEXTS = {
    "run": "They were running through the fields",
    "mark": "<b>bold</b> and path/to/file.txt, foo-bar; don't!",
    "wide": "Ünïcode déjà 漢字 приве́т слова",
    "twice": "zebra zebra zebra",
    "once": "a zebra in a long text " + "about many other things " * 8,
}


@pytest.fixture
def ada(app: Flask, people: None) -> Caller:
    """A person with one message for each of TEXTS."""
    with app.app_context():
        caller = identify(users.add_key(users.add("Ada").id, "test")[1])
        tell(caller, *TEXTS.values())
    return caller


@pytest.fixture
def find(app: Flask, ada: Caller) -> Find:
    """The texts of the matches, the best first."""

    def search(query: str, session_id: str | None = None, user_id: str = ada.user_id) -> list[str]:
        with app.app_context(), reading() as session:
            statement = select_matches(dialect(), user_id, session_id, query)
            rows = session.execute(statement).all()
        return [row[0].content[0]["text"] for row in sorted(rows, key=lambda row: -row[1])]

    return search


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": text}]} for text in texts]


def tell(caller: Caller, *texts: str) -> str:
    return transfer.import_(caller, {}, said(*texts)).chat.id


@pytest.mark.parametrize(
    ("query", "name"),
    [
        *((word, "run") for word in ("run", "runs", "RUNNING", "field running")),
        *((word, "mark") for word in ("bold", "file", "path to", "foo", "bar", "foo-bar", "txt file")),
        *((word, "wide") for word in ("Ünïcode", "漢字", "слова")),
    ],
)
def test_words_are_found_in_any_form_and_between_any_signs(find: Find, query: str, name: str) -> None:
    assert find(query) == [TEXTS[name]]


@pytest.mark.parametrize("query", ["run zebra", "runner-up", "zeb", "zebra -zebras nothing", "script"])
def test_every_word_must_be_there_and_whole(find: Find, query: str) -> None:
    assert find(query) == []


def test_more_of_it_is_better(find: Find) -> None:
    assert find("zebra") == [TEXTS["twice"], TEXTS["once"]]


def test_the_scope_is_the_person_and_the_session(app: Flask, ada: Caller, find: Find) -> None:
    with app.app_context():
        bob = identify(users.add_key(users.add("Bob").id, "test")[1])
        his, hers = tell(bob, "zebra of Bob"), tell(ada, "zebra of Ada")
    assert find("zebra", his) == []
    assert find("zebra", his, bob.user_id) == ["zebra of Bob"]
    assert find("zebra", hers) == ["zebra of Ada"]
    assert find("zebra", None, "usr_nobody") == []
    assert find(f"zebra {bob.user_id}") == find(f"zebra {his}") == [], "ids are no words"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
    | st.lists(
        st.sampled_from(["AND", "OR", "NOT", "NEAR(", "zebra", '"', "*", "^", ":", "body:", "'", "\\", "("])
    ).map(" ".join)
)
def test_no_query_breaks_it(find: Find, query: str) -> None:
    if words_of(query):
        assert set(find(query)) <= set(TEXTS.values())


def test_what_matched_stands_between_marks(app: Flask, ada: Caller) -> None:
    with app.app_context(), reading() as session:
        rows = session.execute(select_matches(dialect(), ada.user_id, None, "bold")).all()
    assert [f"{OPEN}bold{CLOSE}</b>" in row[2] for row in rows] == [True]


@pytest.mark.parametrize("letter", ["\U00020000", "漢", "ж", "a"])
def test_the_longest_text_of_any_script_is_taken(app: Flask, ada: Caller, letter: str) -> None:
    words = " ".join(f"{letter * 5}{number}" for number in range(25_000))
    with app.app_context():
        assert tell(ada, words)


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
