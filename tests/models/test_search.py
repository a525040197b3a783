"""The full-text index on both databases: which words match, in which order, for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.extensions import dialect
from app.models.search import CLOSE, OPEN, select_newest_matches, select_shown, words_of
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
            newest = select_newest_matches(dialect(), user_id, session_id, query)
            scores: dict[int, float] = dict(session.execute(newest).all())
            if not scores:
                return []
            rows = session.execute(select_shown(dialect(), user_id, query, list(scores))).all()
        found = sorted((row[0] for row in rows), key=lambda message: -scores[message.number])
        return [message.content[0]["text"] for message in found]

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
        ((number, _),) = session.execute(select_newest_matches(dialect(), ada.user_id, None, "bold")).all()
        ((_, snippet),) = session.execute(select_shown(dialect(), ada.user_id, "bold", [number])).all()
    assert f"{OPEN}bold{CLOSE}</b>" in snippet


def test_the_newest_comes_first_and_none_above_a_number(app: Flask, ada: Caller) -> None:
    with app.app_context(), reading() as session:
        newest, older = session.scalars(select_newest_matches(dialect(), ada.user_id, None, "zebra")).all()
        below = select_newest_matches(dialect(), ada.user_id, None, "zebra", newest - 1)
        assert session.scalars(below).all() == [older]
    assert newest > older


def test_only_what_is_asked_for_is_shown_and_only_to_its_owner(app: Flask, ada: Caller) -> None:
    with app.app_context(), reading() as session:
        numbers = session.scalars(select_newest_matches(dialect(), ada.user_id, None, "zebra")).all()
        shown = session.execute(select_shown(dialect(), ada.user_id, "zebra", numbers[1:])).all()
        others = session.execute(select_shown(dialect(), "usr_other", "zebra", numbers)).all()
    assert [message.number for message, _ in shown] == numbers[1:]
    assert others == []


@pytest.mark.parametrize("letter", ["\U00020000", "漢", "ж", "a"])
def test_the_longest_text_of_any_script_is_taken(app: Flask, ada: Caller, letter: str) -> None:
    words = " ".join(f"{letter * 5}{number}" for number in range(25_000))
    with app.app_context():
        assert tell(ada, words)
